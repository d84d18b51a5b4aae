"""Adopt what lies on a host, with the engine there: an image's plan, and a container to the proven end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from envkit.hosts import registry
from envkit.hosts.registry import HostEntry
from tests.names import fresh
from tests.sshd import Sshd

ENVKIT = str(Path(sys.executable).with_name("envkit"))


@pytest.fixture
def box(serve: Callable[..., Sshd], home: Callable[..., Path]) -> None:
    """A host of that name, whose engine is this machine's."""
    server = serve()
    home(server)
    registry.add(HostEntry(name="box", target=server.target))


@pytest.fixture
def web(debian: str) -> Iterator[Container]:
    """A container that somebody started there."""
    client = docker.from_env()
    made = client.containers.run(debian, ["3600"], entrypoint="sleep", name=fresh("web"), detach=True)
    made.exec_run(["sh", "-c", "echo kept >/opt/mine"])
    made.reload()
    yield made
    made.remove(force=True)
    client.close()


def adopt(*words: str) -> subprocess.CompletedProcess[str]:
    """Run it as a user of the host does."""
    words = (ENVKIT, "adopt", *words, "--host", "box", "--json")
    return subprocess.run(words, capture_output=True, text=True, timeout=1800, check=False)


@pytest.mark.real
def test_an_image_of_a_host_is_looked_into_there(box: None, debian: str) -> None:
    done = adopt(debian, "--tag", "mine:dev", "--dry-run")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (plan["tag"], plan["base"]["reference"], plan["kept"]["reference"]) == ("mine:dev", debian, debian)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", [(), ("--by-commit",)], ids=["build", "commit"])
def test_a_container_of_a_host_is_adopted_there(box: None, web: Container, way: tuple[str, ...]) -> None:
    client, tag = docker.from_env(), f"{web.name}-ide:dev"
    state = web.attrs["State"]["Pid"]
    done = adopt(str(web.name), "--tag", tag, *way)
    assert done.returncode == 0, done.stderr
    outcomes = {item["outcome"] for item in json.loads(done.stdout)["built"]["verdict"]["items"]}
    try:
        assert outcomes == {"passed", "not-applicable"}
        assert client.containers.run(tag, ["cat", "/opt/mine"], remove=True) == b"kept\n"
        web.reload()
        assert (web.status, web.attrs["State"]["Pid"]) == ("running", state)
        assert not [name for one in client.images.list() for name in one.tags if f"/{web.name}:" in name]
    finally:
        client.images.remove(tag)
        client.close()
