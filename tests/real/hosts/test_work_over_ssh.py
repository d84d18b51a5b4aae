"""The cache of a host is looked at and cleaned there, over SSH."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.environment.cache import look
from envkit.environment.ending import loss, remove
from envkit.environment.up import Site, UpRequest, up
from envkit.hosts.ssh import SshHost
from tests.sshd import Sshd

pytestmark = pytest.mark.real


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_cache_is_cleaned_where_it_lies(
    serve: Callable[..., Sshd], reach: Callable[..., SshHost], tmp_path: Path, transport: str
) -> None:
    host = reach(serve(), transport)
    cache = tmp_path / "a cache"
    (cache / "huggingface" / "hub" / "models--a--b").mkdir(parents=True)
    (cache / ".envkit-cache").touch()
    assert look(host, str(cache), 0).amount("unused").entries == 1
    assert look(host, str(cache), 0, "clean").amount("removed").entries == 1
    assert not (cache / "huggingface" / "hub" / "models--a--b").exists()


def test_an_environment_on_a_host_has_a_cache_of_its_own_there(
    place_at: Callable[..., tuple[Site, Sshd]], request_for: Callable[..., UpRequest], name: str
) -> None:
    site, _ = place_at("openssh")
    said: list[str] = []
    opened = up(site, replace(request_for(site, own_cache=True), retention_s=0), said.append)
    assert said == [f"environment {name} started: waiting for its IDEs"]
    assert (Path(opened.cache) / ".envkit-cache").is_file()
    remove(site.engine, loss(site.engine, name), site.host)
    assert not Path(opened.cache).exists()
