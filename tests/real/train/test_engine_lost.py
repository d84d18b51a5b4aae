"""The engine dies while a run goes on: a real dockerd is killed, with and without live-restore."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from envkit.engines.base import Engine
from tests.faults.private_engine import SECOND_BRIDGE, PrivateEngine, make_bridge, remove_bridge
from tests.real.hosts.machines import IMAGE, make_image
from tests.real.train.conftest import LONG_S, PROGRAM, Trainer, until

pytestmark = pytest.mark.real

# Goes on with what it has saved; the first attempt waits for a file, and for nothing else.
GOING_ON = """
import os, time
print("ready", os.environ["ENVKIT_ATTEMPT"])
while not os.path.exists("go") and os.environ["ENVKIT_ATTEMPT"] == "1":
    time.sleep(0.05)
print("went on to its end")
"""


class Lone(Trainer):
    """Trains on an engine that a test may kill."""

    def words(self, *words: str | Path, own: bool = True) -> list[str]:
        """Return the command line: the small image's Python is known."""
        return [*super().words(*words, own=own), "--python", "/usr/bin/python3"]


@pytest.fixture(scope="module")
def python(image: str) -> bytes:
    """A small image with a Python, as the engine loads it."""
    return make_image(image)


@pytest.fixture
def killable(
    request: pytest.FixtureRequest, python: bytes, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PrivateEngine]:
    """An engine of the test's own; its parameter are its options."""
    if os.getuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("an engine of the tests' own needs root, and dockerd")
    make_bridge(SECOND_BRIDGE)
    with tempfile.TemporaryDirectory(prefix="envkit-l-") as folder:  # a socket's path has 107 bytes at most
        engine = PrivateEngine(Path(folder), disk_mib=512, bridge=SECOND_BRIDGE, more=request.param)
        try:
            with closing(engine.start()) as client:
                client.images.load(python)
            monkeypatch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
            yield engine
        finally:
            engine.remove()
            remove_bridge(SECOND_BRIDGE)


@pytest.fixture
def lone(killable: PrivateEngine, tmp_path: Path, train_engine: Engine) -> Iterator[Lone]:
    """A home whose runs go to that engine."""
    one = Lone(home=tmp_path / "home", image=IMAGE, engine=train_engine)
    one.home.mkdir()
    yield one
    for process in one.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def said(lone: Lone) -> str:
    """Return what `envkit runs` tells of its run."""
    words = (PROGRAM, "runs", "--home", str(lone.home))
    done = subprocess.run(words, capture_output=True, timeout=LONG_S, check=False)
    return (done.stdout + done.stderr).decode()


def crash(killable: PrivateEngine) -> None:
    """Let the engine die with all that it started, as when the machine does."""
    with closing(docker.DockerClient(base_url=f"unix://{killable.socket}")) as client:
        firsts = [one.attrs["State"]["Pid"] for one in client.containers.list()]
    killable.end(signal.SIGKILL)
    killable.kill_what_is_left()
    for pid in firsts:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("killable", [()], indirect=True)
def test_a_run_that_died_with_its_engine_is_lost(lone: Lone, killable: PrivateEngine) -> None:
    process = lone.begin(lone.script(GOING_ON))
    crash(killable)
    with closing(killable.start()):
        _, stderr = process.communicate(timeout=LONG_S)
        assert process.returncode == 8, stderr
        assert b"the engine died, it seems" in stderr, stderr
        assert "lost" in said(lone)


@pytest.mark.parametrize("killable", [()], indirect=True)
def test_an_engine_that_comes_back_and_ends_it_is_named(lone: Lone, killable: PrivateEngine) -> None:
    process = lone.begin(lone.script(GOING_ON))
    killable.end(signal.SIGKILL)
    with closing(killable.start()):
        _, stderr = process.communicate(timeout=LONG_S)
    assert process.returncode == 8, stderr
    assert b"asked to end from outside (SIGTERM): by docker stop, or as the engine" in stderr, stderr


@pytest.mark.parametrize("killable", [()], indirect=True)
def test_it_is_begun_again_when_that_was_asked_for(lone: Lone, killable: PrivateEngine) -> None:
    process = lone.begin(lone.script(GOING_ON), "--retries", "1", "--on", "host-lost")
    killable.end(signal.SIGKILL)
    with closing(killable.start()):
        stdout, stderr = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, stderr
    # The engine that came back asked the first to end, as Ctrl-C does: Python says where that was.
    lines = [line for line in stdout.splitlines() if line in (b"ready 1", b"ready 2", b"went on to its end")]
    assert lines == [b"ready 1", b"ready 2", b"went on to its end"], stdout
    assert (lone.end()["state"], lone.end()["cause"]) == ("lost", "engine-lost")


@pytest.mark.parametrize("killable", [("--live-restore",)], indirect=True)
def test_with_live_restore_it_goes_on(lone: Lone, killable: PrivateEngine) -> None:
    process = lone.begin(lone.script(GOING_ON))
    killable.end(signal.SIGKILL)
    (lone.home / "proj" / "go").touch()
    until(lambda: b"went on" in lone.log(), "it does not go on without an engine")
    stdout, stderr = process.communicate(timeout=LONG_S)  # its evidence needs no engine
    assert process.returncode == 0, stderr
    assert stdout == b"ready 1\nwent on to its end\n"
    assert lone.end()["state"] == "finished"
    with closing(killable.start()) as client:

        def is_gone_once_it_was_looked_at() -> bool:
            return "finished" in said(lone) and client.containers.list(all=True) == []

        until(is_gone_once_it_was_looked_at, "its container stays")
