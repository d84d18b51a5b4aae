"""Where an engine is looked for."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from envkit.engines.endpoint import Endpoint, find_endpoints, nowhere
from envkit.errors import EngineError
from envkit.hosts.local import LocalHost

HOST = LocalHost()


def context(folder: Path, name: str, url: str) -> dict[str, str]:
    """Write docker's configuration with one context in use; return the environment that finds it."""
    meta = folder / "contexts" / "meta" / "0123"
    meta.mkdir(parents=True)
    about = {"Name": name, "Endpoints": {"docker": {"Host": url}}}
    (meta / "meta.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"currentContext": name}), encoding="utf-8")
    return {"DOCKER_CONFIG": str(folder)}


def test_docker_host_wins_over_everything(tmp_path: Path) -> None:
    environment = {**context(tmp_path, "there", "unix:///c.sock"), "DOCKER_HOST": "tcp://10.0.0.1:2375"}
    assert find_endpoints(HOST, environment) == (
        Endpoint(url="tcp://10.0.0.1:2375", why="$DOCKER_HOST", local=False, named=True),
    )


def test_the_context_in_use_is_taken(tmp_path: Path) -> None:
    assert find_endpoints(HOST, context(tmp_path, "desktop", "unix:///c.sock")) == (
        Endpoint(url="unix:///c.sock", why="the docker context desktop", local=True, named=True),
    )


def test_a_context_that_is_gone_is_told(tmp_path: Path) -> None:
    environment = {**context(tmp_path, "here", "unix:///c.sock"), "DOCKER_CONTEXT": "gone"}
    with pytest.raises(EngineError, match="the docker context 'gone' is in use but not there"):
        find_endpoints(HOST, environment)


def test_a_broken_configuration_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(EngineError, match=r"config\.json is no JSON"):
        find_endpoints(HOST, {"DOCKER_CONFIG": str(tmp_path)})


def test_an_engine_behind_ssh_is_refused_with_a_way_to_it() -> None:
    with pytest.raises(EngineError) as caught:
        find_endpoints(HOST, {"DOCKER_HOST": "ssh://ada@box"})
    assert "envkit reaches engines over SSH by its own connection" in caught.value.what
    assert caught.value.fix == "envkit host add NAME ada@box, and --host NAME with your command"


def test_sockets_of_docker_and_podman_are_looked_for_in_the_runtime_folder(tmp_path: Path) -> None:
    (tmp_path / "podman").mkdir()
    with socket.socket(socket.AF_UNIX) as docker, socket.socket(socket.AF_UNIX) as podman:
        docker.bind(str(tmp_path / "docker.sock"))
        podman.bind(str(tmp_path / "podman" / "podman.sock"))
        found = find_endpoints(HOST, {"XDG_RUNTIME_DIR": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)})
    own = [endpoint for endpoint in found if str(tmp_path) in endpoint.url]
    assert [endpoint.url.removeprefix(f"unix://{tmp_path}/") for endpoint in own] == [
        "docker.sock",
        "podman/podman.sock",
    ]
    assert not any(endpoint.named for endpoint in own)


def test_nowhere_says_where_it_looked(tmp_path: Path) -> None:
    error = nowhere({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert "/var/run/docker.sock" in error.what
    assert str(tmp_path / "podman" / "podman.sock") in error.what
    assert "envkit engine start" in error.fix
