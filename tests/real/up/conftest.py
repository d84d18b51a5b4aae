"""A place for environments on the real engine, with a small image that answers as the IDEs do."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest, ContainerFacts, ExecRequest
from envkit.environment.lookup import require
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest
from envkit.hosts.local import LocalHost
from envkit.plan.run_plan import Caller, RunOptions

IMAGE = "envkit-test-up:dev"
STAND_IN = Path(__file__).with_name("stand_in")
ME = Caller(uid=os.getuid(), gid=os.getgid(), name="tester")

Request = Callable[..., UpRequest]
Containers = Callable[[], tuple[ContainerFacts, ...]]
Inside = Callable[..., str]


@pytest.fixture(scope="session")
def docker(debian: str) -> Engine:
    """The engine, with the stand-in image built."""
    engine = connect(LocalHost())
    engine.images.tag(engine.builder.build(BuildRequest(context=STAND_IN), lambda event: None), IMAGE)
    return engine


@pytest.fixture
def name() -> str:
    """A name that no other environment has."""
    return f"t-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def site(docker: Engine, name: str, tmp_path: Path) -> Iterator[Site]:
    """A place whose folders are the test's own; the environment is removed afterwards."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # pytest makes them for their owner only; another uid must get through
    yield Site(engine=docker, host=LocalHost(), home=str(tmp_path / "home"), cache=str(tmp_path / "cache"))
    for facts in docker.containers.find({"io.envkit.environment": name}):
        docker.containers.remove(facts.id)


@pytest.fixture
def request_for(site: Site, name: str) -> Request:
    """Make a request for the stand-in image under this test's name."""

    def make(caller: Caller = ME, **options: object) -> UpRequest:
        asked = RunOptions(name=name, **options)  # type: ignore[arg-type]
        return UpRequest(image=find_image(site.engine, IMAGE), options=asked, caller=caller, timeout_s=20)

    return make


@pytest.fixture
def containers(site: Site, name: str) -> Containers:
    """Look which containers the environment has."""
    return lambda: site.engine.containers.find({"io.envkit.environment": name})


@pytest.fixture
def inside(site: Site, name: str) -> Inside:
    """Run a command in the environment as its user."""

    def run(*words: str) -> str:
        facts = require(site.engine, name)
        done = site.engine.inside.execute(facts.id, ExecRequest(command=words, user=facts.user))
        assert done.code == 0, done.stderr
        return done.stdout.decode()

    return run
