"""Secrets in every place and shape are refused, and --scrub leaves none in the bytes of the saved image."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.values import OWNED, SAVE, ExecRequest, RunRequest
from envkit.plan.run_plan import container_name
from envkit.save.plan import CommitOptions, CommitRefused
from tests.names import fresh
from tests.real.derived import derived
from tests.real.save import planted
from tests.real.save.conftest import PYTHON
from tests.real.save.environments import save

pytestmark = pytest.mark.real

PLANT = """
import base64, json, os, sys
told = json.load(sys.stdin)
for path, text in told["files"].items():
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").write(base64.b64decode(text))
open("/opt/mine/" + told["value"], "w").close()
os.symlink("/opt/" + told["value"], "/opt/mine/link")
"""


@pytest.fixture
def environment(ours: Engine, tiny: str) -> Iterator[tuple[str, str]]:
    """An environment full of canaries, on a base that holds some itself; its name and its container."""
    name = fresh("canary")
    with derived(Path(__file__).with_name("canaries"), tiny) as image:
        labels = {
            "io.envkit.kind": "environment",
            "io.envkit.environment": name,
            "io.envkit.run": json.dumps({"image": image, "device": "cpu"}),
        }
        request = RunRequest(
            image=image,
            name=container_name(name),
            user="0:0",
            env={"MY_API_TOKEN": planted.VARIABLE, "ENVKIT_NAME": name},
            labels=labels,
        )
        container = ours.containers.create(request)
        try:
            ours.containers.start(container)
            _plant(ours, container)
            yield name, container
        finally:
            ours.containers.remove(container)


def _plant(engine: Engine, container: str) -> None:
    files = {path: text.encode() for path, text in planted.UNKNOWN.items()}
    files |= {**planted.shapes(), "/opt/mine/kept": b"kept\n", "/run/secrets/HANDED": planted.HANDED.encode()}
    told = {path: base64.b64encode(content).decode() for path, content in files.items()}
    stdin = json.dumps({"files": told, "value": planted.HANDED}).encode()
    asked = ExecRequest(command=(PYTHON, "-c", PLANT), user="0:0", stdin=stdin)
    done = engine.inside.execute(container, asked)
    assert done.code == 0, done.stderr.decode()


def test_none_of_the_canaries_is_left(ours: Engine, environment: tuple[str, str]) -> None:
    name, container = environment
    tag = f"envkit-test-{name}:1"
    planted_at = {*planted.UNKNOWN, *planted.shapes()}
    planted_at |= {f"/opt/mine/{planted.HANDED}", "/opt/mine/link", "/opt/lower", "/opt/deleted"}
    raw = ours.images.commit(container, {OWNED: "true", SAVE: name})
    ours.images.tag(raw, f"envkit-test-{name}:raw")
    try:
        seen = planted.found(b"".join(ours.images.save(raw)))
        assert planted_at <= seen, planted_at - seen  # our own search does find them
        assert len(planted_at) + len({planted.HISTORY, planted.VARIABLE}) >= 30
        with pytest.raises(CommitRefused, match="layer"):
            save(ours, name, CommitOptions(tag=tag, scrub=True, deep=True))
        assert ours.images.inspect(tag) is None
        save(ours, name, CommitOptions(tag=tag, scrub=True, squash=True, deep=True))
        bytes_ = b"".join(ours.images.save(tag))
        assert planted.found(bytes_) == set()
        assert b"kept\n" in bytes_
        assert b"timeout = 61" in bytes_  # what is no secret in a file of settings stays
    finally:
        for number in ("1", "raw"):
            ours.images.untag(f"envkit-test-{name}:{number}")
