"""The supervisor as process 1 of a container, with real torchrun: what its ranks do is seen through it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from envkit.container import bundle
from tests.real.train.conftest import LONG_S, until
from tests.real.train.test_supervisor import SAVER, Run

pytestmark = pytest.mark.real

FAIL = """
import os, signal, sys, time
if os.environ["RANK"] == "1":
    sys.stdout.write("no end of line")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGSEGV)
time.sleep(600)
"""


class Inside(Run):
    """A run in a container of its own."""

    def __init__(self, top: Path, client: docker.DockerClient, image: str) -> None:
        super().__init__(top)
        self._client, self._image = client, image
        self.containers: list[Container] = []

    def begin(self, text: str, **more: Any) -> Container:
        request = self.request("script", self.script(text), **{"python": ["python"], "nproc": 2, **more})
        file = self.top / "bundle.json"
        sources = bundle.sources("run_*", "shim_*")
        file.write_bytes(bundle.pack(sources, "run_main", request))
        container = self._client.containers.run(
            self._image,
            ["-I", "-S", *bundle.program(sources, str(file))],
            entrypoint="python",
            detach=True,
            user=f"{os.getuid()}:0",
            volumes={str(self.top): {"bind": str(self.top), "mode": "rw"}},
            labels={"io.envkit.test": "supervisor"},
        )
        self.containers.append(container)
        return container

    def wait(self) -> int:
        """Return the container's exit code."""
        code: int = self.containers[-1].wait(timeout=LONG_S)["StatusCode"]
        return code

    def rank(self, number: int) -> dict[str, Any]:
        """Return a rank's record."""
        found: dict[str, Any] = json.loads((self.attempt / f"rank-{number}.json").read_text())
        return found


@pytest.fixture
def inside(tmp_path: Path, engine: docker.DockerClient, image: str) -> Iterator[Inside]:
    """A folder for a run; its container is removed."""
    one = Inside(tmp_path, engine, image)
    yield one
    for container in one.containers:
        container.remove(force=True)


def test_the_rank_that_crashed_is_named_with_its_signal(inside: Inside) -> None:
    inside.begin(FAIL)
    assert inside.wait() == 139
    end = inside.end()
    assert (end["state"], end["cause"], end["rank"], end["signal"]) == ("failed", "signal", 1, "SIGSEGV")
    assert end["sentence"] == "rank 1 crashed: SIGSEGV"
    assert (inside.attempt / "all.log").read_bytes() == b"[rank 1] no end of line\n"
    assert inside.rank(0)["signal"] == "SIGTERM"  # torchrun's, handed on


def test_ranks_save_even_if_torchrun_dies_meanwhile(inside: Inside) -> None:
    script = SAVER.replace('"', "'").replace("'told'", "'told'+os.environ['RANK']")
    script = script.replace("'saved'", "'saved'+os.environ['RANK']")
    script = script.replace("'ready'", "'ready'+os.environ['RANK']")
    script = script.replace("time.sleep(2.5)", "\n    while not os.path.exists('go'): time.sleep(0.1)")
    container = inside.begin(script)
    until(lambda: all((inside.top / f"ready{rank}").exists() for rank in (0, 1)), "the ranks do not begin")
    container.kill(signal="SIGTERM")
    until(lambda: all((inside.top / f"told{rank}").exists() for rank in (0, 1)), "they are not told")
    for pid in container.top()["Processes"]:
        if "torch.distributed.run" in pid[-1] or "launch/boot.py" in pid[-1]:
            os.kill(int(pid[1]), signal.SIGKILL)
    (inside.top / "go").touch()
    inside.wait()
    assert [(inside.top / f"saved{rank}").read_text() for rank in (0, 1)] == ["all of it"] * 2
    assert [(inside.top / f"told{rank}").read_text() for rank in (0, 1)] == ["x"] * 2
    assert [inside.rank(rank)["code"] for rank in (0, 1)] == [0, 0]
    assert (inside.end()["state"], inside.end()["cause"]) == ("stopped", "outside")


def test_ranks_that_cannot_meet_are_told_as_such(inside: Inside) -> None:
    meet = "import torch.distributed as dist; dist.init_process_group('gloo')"
    busy = "import socket, os; one = socket.socket(); one.bind(('127.0.0.1', 29511)); one.listen()\n"
    env = {"MASTER_PORT": "29511", "TORCHELASTIC_USE_AGENT_STORE": "False"}
    text = f"{busy}os.environ.update({env!r})\n{meet}"
    inside.begin("import os\nif os.environ['RANK'] == '1': import time; time.sleep(600)\n" + text)
    inside.wait()
    assert (inside.end()["state"], inside.end()["cause"]) == ("failed", "rendezvous"), inside.end()


def test_a_machine_that_went_down_counts_as_lost_and_is_tried_again(inside: Inside) -> None:
    text = "import os, time; print('go', flush=True)\nif os.environ['ENVKIT_ATTEMPT'] == '1': time.sleep(600)"
    container = inside.begin(text, nproc=1, retries=1, retry_on=["host-lost"])
    log = inside.attempt / "rank-0.log"
    until(lambda: log.exists() and log.read_bytes(), "the script does not begin")
    container.kill(signal="SIGKILL")
    container.start()
    assert inside.wait() == 0
    assert (inside.end(1)["state"], inside.end(1)["cause"]) == ("lost", "engine-lost")
    assert inside.end(2)["state"] == "finished"
    container.start()  # as a restart policy might, once more
    assert inside.wait() == 0 and not (inside.folder / "attempts" / "3").exists()


def test_the_last_words_before_a_supervisor_was_killed_are_in_the_log_of_all(inside: Inside) -> None:
    text = (
        "import os, time\nif os.environ['ENVKIT_ATTEMPT'] == '1':\n"
        "    open('ready' + os.environ['RANK'], 'x')\n"
        "    while not os.path.exists('go'): time.sleep(0.05)\n"
        "    print('last words', flush=True)\n    time.sleep(600)"
    )
    container = inside.begin(text, retries=1, retry_on=["host-lost"])
    until(lambda: all((inside.top / f"ready{rank}").exists() for rank in (0, 1)), "the ranks do not begin")
    container.reload()
    supervisor = container.attrs["State"]["Pid"]
    os.kill(supervisor, signal.SIGSTOP)  # it reads no more
    (inside.top / "go").touch()
    logs = [inside.attempt / f"rank-{rank}.log" for rank in (0, 1)]
    until(lambda: all(b"last words\n" in log.read_bytes() for log in logs), "they are silent")
    os.kill(supervisor, signal.SIGKILL)
    container.wait(timeout=LONG_S)
    container.start()
    assert inside.wait() == 0
    lines = (inside.attempt / "all.log").read_bytes().splitlines()
    assert sorted(lines) == [b"[rank 0] last words", b"[rank 1] last words"]
