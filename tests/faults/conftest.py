"""A proxy before the engine, a place for environments behind it, and `envkit` as a user types it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner
from docker.models.containers import Container

from envkit.cli.main import envkit as command_line
from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.hosts.local import LocalHost
from tests.faults.private_engine import PrivateEngine, make_bridge, remove_bridge
from tests.faults.proxy import Proxy
from tests.real.up.conftest import IMAGE, STAND_IN

MARK = "io.envkit.test=faults"


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    stdout: str
    stderr: str


Envkit = Callable[..., Said]
Named = Callable[[], list[Container]]


@pytest.fixture(scope="session")
def stand_in() -> bytes:
    """The stand-in image of tests/real/up, built by the shared engine, as `docker save` gives it."""
    ours = connect(LocalHost())
    ours.images.tag(ours.builder.build(BuildRequest(context=STAND_IN), lambda event: None), IMAGE)
    return subprocess.run(["docker", "save", IMAGE], check=True, capture_output=True).stdout


@pytest.fixture(scope="session")
def bridge() -> Iterator[None]:
    """The network of the tests' own engines."""
    if os.getuid() != 0:
        pytest.skip("an engine of its own needs root")
    make_bridge()
    yield
    remove_bridge()


@pytest.fixture(scope="session")
def private(bridge: None, stand_in: bytes) -> Iterator[PrivateEngine]:
    """A real engine where nobody else works: what is called when is then exact."""
    with tempfile.TemporaryDirectory(prefix="envkit-f-") as folder:  # a socket's path has 107 bytes at most
        engine = PrivateEngine(Path(folder))
        try:
            with closing(engine.start()) as client:
                client.images.load(stand_in)
            yield engine
        finally:
            engine.end()


@pytest.fixture
def engine(private: PrivateEngine) -> Iterator[docker.DockerClient]:
    """A client of the engine, past the proxy."""
    client = docker.DockerClient(base_url=f"unix://{private.socket}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def one_proxy(private: PrivateEngine) -> Iterator[Proxy]:
    """The proxy; it starts once."""
    proxy = Proxy(private.socket.with_name("proxy-docker.sock"), str(private.socket))
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(one_proxy: Proxy) -> Iterator[Proxy]:
    """The proxy, which lets everything through at first and afterwards."""
    one_proxy.mend()
    yield one_proxy
    one_proxy.mend()


@pytest.fixture
def name(engine: docker.DockerClient) -> Iterator[str]:
    """A name that no other environment has; what has it afterwards is removed."""
    name = f"f-{uuid.uuid4().hex[:8]}"
    yield name
    for one in _named(engine, name):
        one.remove(force=True)


@pytest.fixture
def containers(engine: docker.DockerClient, name: str) -> Named:
    """Look which containers the environment of that name has."""
    return lambda: _named(engine, name)


@pytest.fixture
def envkit(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Envkit:
    """`envkit("stop", name)` through the proxy, in this process: with folders of the test's own."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # pytest makes them for their owner only
    monkeypatch.setenv("DOCKER_HOST", proxy.url)
    monkeypatch.setenv("ENVKIT_ENGINE_TIMEOUT", "3")
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*words: str) -> Said:
        done = CliRunner().invoke(command_line, words, prog_name="envkit")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception  # a user would see a traceback
        return Said(code=done.exit_code, stdout=done.stdout, stderr=done.stderr)

    return run


def _named(engine: docker.DockerClient, name: str) -> list[Container]:
    label = f"io.envkit.environment={name}"
    found: list[Container] = engine.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return found
