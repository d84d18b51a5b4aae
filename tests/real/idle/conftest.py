"""An environment that stops when nobody uses it, after seconds rather than hours."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from envkit.engines.docker import connect
from envkit.environment.idle import Explained, explain
from envkit.environment.lookup import require
from envkit.environment.ready import Opened
from envkit.environment.states import Environment, describe
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest, up
from envkit.hosts.local import LocalHost
from envkit.plan.run_plan import Caller, RunOptions
from tests.names import fresh

IDLE_S = 12.0  # `up` refuses less than a minute: what it is made of does not
# Half of it is the notice. Linux notes the time of a key in steps of eight seconds (drivers/tty/tty_io.c,
# tty_update_time), so that a key pressed in the notice is only sure to be seen where that is well longer.
SLOW_IDLE_S = 40.0
ME = Caller(uid=os.getuid(), gid=os.getgid(), name="tester")


@dataclass(frozen=True, kw_only=True)
class Idler:
    """The environment, and what a test does with it."""

    site: Site
    request: UpRequest
    engine: docker.DockerClient

    @property
    def name(self) -> str:
        return self.request.options.name or ""

    @property
    def container(self) -> Any:
        return self.engine.containers.get(f"envkit-{self.name}")

    def up(self) -> Opened:
        return up(self.site, self.request, lambda line: None)

    def state(self) -> Environment:
        return describe(self.site.engine, require(self.site.engine, self.name))

    def explain(self) -> Explained:
        return explain(self.site.engine, self.name)

    def start(self, *words: str) -> None:
        self.container.exec_run(list(words), detach=True)

    def run(self, *words: str) -> str:
        done = self.container.exec_run(list(words))
        assert done.exit_code == 0, done.output.decode()
        return str(done.output.decode())

    def ask(self, opened: Opened, path: str, data: bytes | None = None) -> Any:
        """Ask Jupyter through the door."""
        url = f"http://127.0.0.1:{opened.port}/env/{self.name}/{path}"
        asked = urllib.request.Request(url, data, {"Authorization": f"token {opened.token}"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def stays(self, signal: str) -> None:
        """Assert that it outlives its idle time, twice, because of this signal."""
        end = time.monotonic() + 1.3 * (self.request.options.idle_stop_s or 0)
        while time.monotonic() < end:
            found = {one.name: one for one in self.explain().signals}
            assert found[signal].active, found
        assert self.state().state == "running"

    def wait(self, what: Callable[[Environment], bool]) -> Environment:
        end = time.monotonic() + 120
        while not what(state := self.state()):
            assert time.monotonic() < end, state
            time.sleep(0.3)
        return state


@contextmanager
def an_idler(engine: docker.DockerClient, image: str, folder: Path, idle_s: float) -> Iterator[Idler]:
    """Give a place for one environment; it goes with all it wrote."""
    found = connect(LocalHost())
    name = fresh(f"idle-{idle_s:.0f}")
    site = Site(engine=found, host=LocalHost(), home=str(folder / "home"), cache=str(folder / "cache"))
    options = RunOptions(name=name, idle_stop_s=idle_s)
    request = UpRequest(image=find_image(found, image), options=options, caller=ME)
    yield Idler(site=site, request=request, engine=engine)
    for facts in found.containers.find({"io.envkit.environment": name}):
        found.containers.remove(facts.id)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def idler(
    engine: docker.DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Idler]:
    """The environment that most tests share."""
    with an_idler(engine, image, tmp_path_factory.mktemp("idle"), IDLE_S) as idler:
        yield idler


@pytest.fixture
def slow_idler(engine: docker.DockerClient, image: str, tmp_path: Path) -> Iterator[Idler]:
    """One that gives notice long enough for a key."""
    with an_idler(engine, image, tmp_path, SLOW_IDLE_S) as idler:
        yield idler
