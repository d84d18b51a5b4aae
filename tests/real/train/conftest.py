"""A home with scripts, and `envkit train` as a user has it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import ContainerFacts
from envkit.hosts.local import LocalHost
from tests.names import fresh

LONG_S = 120.0  # for what takes a second on an idle machine
PROGRAM = str(Path(sys.executable).with_name("envkit"))


def until(what: Callable[[], Any], why: str) -> Any:
    """Wait for it, as long as a loaded machine may need."""
    deadline = time.monotonic() + LONG_S
    while not (found := what()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {LONG_S:.0f} s: {why}")
        time.sleep(0.05)
    return found


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a command did."""

    code: int
    stdout: bytes
    stderr: str


@dataclass
class Trainer:
    """Runs `envkit train` on scripts in a home of its own."""

    home: Path
    image: str
    engine: Engine
    name: str = field(default_factory=lambda: fresh("t"))
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.home / "task" / self.name

    @property
    def attempt(self) -> Path:
        """The folder of its first attempt."""
        return self.folder / "attempts" / "1"

    def script(self, text: str, name: str = "train.py") -> Path:
        """Write a script into the home."""
        path = self.home / "proj" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def words(self, *words: str | Path, own: bool = True) -> list[str]:
        """Return the command line, in a container of its own unless told otherwise."""
        folders = ["--home", str(self.home), "--cache", str(self.home.parent / "cache")]
        place = ["--image", self.image, *folders] if own else []
        return [PROGRAM, "train", "--name", self.name, *place, *map(str, words)]

    def train(self, *words: str | Path, own: bool = True, cwd: Path | None = None) -> Told:
        """Run it to its end."""
        done = subprocess.run(
            # Four programs that import torch need minutes when forty others want the same two cores.
            self.words(*words, own=own),
            capture_output=True,
            timeout=5 * LONG_S,
            check=False,
            cwd=cwd,
        )
        return Told(code=done.returncode, stdout=done.stdout, stderr=done.stderr.decode("utf-8", "replace"))

    def start(self, *words: str | Path, own: bool = True) -> subprocess.Popen[bytes]:
        """Start it, in a session of its own."""
        pipe, line = subprocess.PIPE, self.words(*words, own=own)
        process = subprocess.Popen(line, stdout=pipe, stderr=pipe, start_new_session=True)
        self.started.append(process)
        return process

    def begin(self, *words: str | Path, own: bool = True) -> subprocess.Popen[bytes]:
        """Start it, and return once the script prints `ready`."""
        process = self.start(*words, own=own)
        until(lambda: b"ready" in self.log() or process.poll() is not None, "the script does not begin")
        if process.poll() is not None:
            pytest.fail(f"it ended: {process.communicate()}")
        return process

    def log(self) -> bytes:
        """Return what the script has printed."""
        path = self.attempt / "rank-0.log"
        return path.read_bytes() if path.exists() else b""

    def end(self) -> dict[str, Any]:
        """Return how it ended, once it has."""
        path = self.attempt / "end.json"
        until(path.exists, f"{path} is not written")
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def container(self) -> ContainerFacts | None:
        """Return its own container."""
        return self.engine.containers.inspect(f"envkit-run-{self.name}")


@pytest.fixture(scope="session")
def train_engine() -> Engine:
    """The engine."""
    return connect(LocalHost())


@pytest.fixture
def trainer(tmp_path: Path, image: str, train_engine: Engine) -> Iterator[Trainer]:
    """A home with nothing in it; what a test starts is ended and removed."""
    home = tmp_path / fresh("home")
    home.mkdir()
    one = Trainer(home=home, image=image, engine=train_engine)
    yield one
    for process in one.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    for facts in train_engine.containers.find({"io.envkit.run": one.name}):
        train_engine.containers.remove(facts.id)
