"""The small image that layers are tried with, and a container of it in which everything has changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import ExecRequest, RunRequest
from envkit.hosts.local import LocalHost
from tests.real.derived import derived

TINY = Path(__file__).with_name("tiny")
PYTHON = "/opt/envkit/jupyter/bin/python"


@pytest.fixture(scope="session")
def ours() -> Engine:
    """The engine, as envkit speaks to it."""
    return connect(LocalHost())


@pytest.fixture(scope="session")
def tiny(image: str, debian: str) -> Iterator[str]:
    """A small image, with a Python where envkit's own have theirs."""
    with derived(TINY, image) as name:
        yield name


@pytest.fixture(scope="module")
def changed(ours: Engine, tiny: str) -> Iterator[str]:
    """A running container with every kind of change in it."""
    container = ours.containers.create(RunRequest(image=tiny, labels={"io.envkit.kind": "temporary"}))
    try:
        ours.containers.start(container)
        done = ours.inside.execute(container, ExecRequest(command=(PYTHON, "/opt/changes.py"), user="0:0"))
        assert done.code == 0, done.stderr.decode()
        yield container
    finally:
        ours.containers.remove(container)
