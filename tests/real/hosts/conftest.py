"""Hosts over SSH: real servers on loopback, whose engine is this machine's, and an image that answers."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.cli.site import site_of
from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest
from envkit.hosts.local import LocalHost
from envkit.hosts.registry import Transport
from envkit.hosts.ssh import SshHost
from envkit.plan.run_plan import Caller, RunOptions
from tests.sshd import Sshd, host_at, make_home

IMAGE = "envkit-test-hosts:dev"
STAND_IN = Path(__file__).parents[1] / "up" / "stand_in"
ME = Caller(uid=os.getuid(), gid=os.getgid(), name="tester")

Serve = Callable[..., Sshd]
Reach = Callable[..., SshHost]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start SSH servers; they end with the test."""
    started: list[Sshd] = []

    def start(**settings: str) -> Sshd:
        server = Sshd.make(tmp_path / f"sshd{len(started)}", **settings)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Give this process a home that knows these servers, and logs in with the first one's key."""
    folder = tmp_path / "user"
    folder.mkdir()
    return lambda *known: make_home(folder, monkeypatch, *known)


@pytest.fixture
def reach(home: Callable[..., Path]) -> Iterator[Reach]:
    """Return a host for a server whose key is known; it is closed with the test."""
    opened: list[SshHost] = []

    def make(server: Sshd, transport: Transport = "auto", known: tuple[Sshd, ...] = ()) -> SshHost:
        if not opened:
            home(server, *known)
        opened.append(host_at(server, transport))
        return opened[-1]

    yield make
    for host in opened:
        host.close()


@pytest.fixture(scope="session")
def docker() -> Engine:
    """The engine, with the stand-in image built."""
    engine = connect(LocalHost())
    engine.images.tag(engine.builder.build(BuildRequest(context=STAND_IN), lambda event: None), IMAGE)
    return engine


@pytest.fixture
def name(docker: Engine) -> Iterator[str]:
    """A name that no other environment has; what carries it is removed with the test."""
    made = f"t-{uuid.uuid4().hex[:8]}"
    yield made
    for facts in docker.containers.find({"io.envkit.environment": made}):
        docker.containers.remove(facts.id)


@pytest.fixture
def place_at(serve: Serve, reach: Reach, tmp_path: Path) -> Callable[[Transport], tuple[Site, Sshd]]:
    """Return a host as a place whose folders are the test's own, and its SSH server."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)

    def make(transport: Transport) -> tuple[Site, Sshd]:
        server = serve()
        found = site_of(reach(server, transport))
        return replace(found, home=str(tmp_path / "home"), cache=str(tmp_path / "cache")), server

    return make


@pytest.fixture
def request_for(name: str) -> Callable[[Site], UpRequest]:
    """Ask for the stand-in image under this test's name."""

    def make(site: Site, **options: object) -> UpRequest:
        asked = RunOptions(name=name, **options)  # type: ignore[arg-type]
        return UpRequest(image=find_image(site.engine, IMAGE), options=asked, caller=ME, timeout_s=30)

    return make
