"""`envkit tensorboard` where no environment runs: a small one is started, asks for a login, and is ended."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, build_opener

import pytest

from tests.real.train.conftest import LONG_S, PROGRAM, Told, Trainer, until

pytestmark = pytest.mark.real

# Straight under the run's folder, as scripts have it that know MODEL_PATH and nothing of `model/`.
WRITES = """
import os, time
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter(f"/work/home/task/{os.environ['MODEL_PATH']}")
for step in range(5):
    loss = Summary.Value(tag="loss", simple_value=1 / (step + 1))
    writer.add_event(Event(step=step, wall_time=time.time(), summary=Summary(value=[loss])))
writer.close()
"""


def envkit(*words: str | Path) -> Told:
    done = subprocess.run([PROGRAM, *words], capture_output=True, timeout=2 * LONG_S, check=False)
    return Told(code=done.returncode, stdout=done.stdout, stderr=done.stderr.decode("utf-8", "replace"))


def browser() -> OpenerDirector:
    """Return what keeps cookies as a browser does, and asks this machine itself."""
    return build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))


def environments(home: Path) -> dict[str, str]:
    """Return the state of each environment with that home."""
    listed = json.loads(envkit("ps", "--json").stdout)
    return {one["name"]: one["state"] for one in listed if one["home"] == str(home)}


@pytest.fixture
def run(trainer: Trainer) -> Iterator[Trainer]:
    """A run that has written events; the environment that shows it goes with the test."""
    told = trainer.train(trainer.script(WRITES))
    assert told.code == 0, told.stderr
    yield trainer
    for name in environments(trainer.home):
        envkit("rm", name, "--yes")


def test_without_an_environment_one_is_started_for_it(run: Trainer) -> None:
    assert environments(run.home) == {}
    told = envkit("tensorboard", run.folder, "--print")
    assert told.code == 0, told.stderr
    [(name, state)] = environments(run.home).items()
    assert state in ("running", "idle") and f"`envkit stop {name}` ends it" in told.stderr

    url = told.stdout.decode().strip()
    page = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/env/{name}/tensorboard/only/{run.name}/"
    with browser().open(page, timeout=LONG_S) as answer:
        assert "/login" in answer.url  # who has no token is asked for it

    user = browser()
    with user.open(url, timeout=LONG_S) as answer:
        assert answer.url == page and b"<title>TensorBoard</title>" in answer.read()

    def curve() -> list[list[float]]:
        with user.open(f"{page}data/plugin/scalars/tags", timeout=LONG_S) as answer:
            if run.name not in json.load(answer):
                return []  # it reads the files beside, and answers before it has
        scalars = f"{page}data/plugin/scalars/scalars?tag=loss&run={run.name}"
        with user.open(scalars, timeout=LONG_S) as answer:
            found: list[list[float]] = json.load(answer)
            return found if len(found) == 5 else []

    points = until(curve, "TensorBoard does not show what the run wrote")
    assert [(step, round(value, 3)) for _, step, value in points] == [
        (0, 1.0), (1, 0.5), (2, 0.333), (3, 0.25), (4, 0.2),
    ]  # fmt: skip
    assert envkit("stop", name).code == 0
    assert environments(run.home) == {name: "stopped"}
