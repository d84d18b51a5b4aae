"""Choose a builder: the first docker client that speaks BuildKit to this engine, else the classic one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import docker

from envkit.engines.base import Builder
from envkit.engines.buildkit import BuildKit
from envkit.engines.classic import Classic
from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.docker_setup import is_podman
from envkit.engines.endpoint import Endpoint
from envkit.errors import HostError
from envkit.hosts.base import Command, Host

# From 23.0 on the client wants its buildx plugin for BuildKit (docker/cli, release notes of 23.0); older ones
# carry a BuildKit client of their own, from 18.09 on.
_NEEDS_BUILDX, _HAS_BUILDKIT = 23, 18
_PATIENCE_S = 20.0  # it takes 20 to 70 ms here; a home on a slow network drive takes seconds


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A builder, and why each client was or was not taken."""

    builder: Builder
    client: str | None  # the client's path; None: classic
    looked_at: tuple[tuple[str, str], ...]  # (path, what it can do)


def find_builder(host: Host, endpoint: Endpoint, client: docker.DockerClient) -> Choice:
    """Return the best builder; the first client on PATH is often one that cannot."""
    with spoken_as_ours("asking the engine what it is"):
        version = client.version()
    if is_podman(version):  # it answers the API of the classic builder, and knows none of BuildKit's
        return Choice(builder=Classic(client), client=None, looked_at=())
    looked_at: list[tuple[str, str]] = []
    for path in host.find_programs("docker"):
        able, what = _judged(host, str(path), endpoint)
        looked_at.append((str(path), what))
        if able:
            builder = BuildKit(host, str(path), endpoint)
            return Choice(builder=builder, client=str(path), looked_at=tuple(looked_at))
    return Choice(builder=Classic(client), client=None, looked_at=tuple(looked_at))


def _judged(host: Host, path: str, endpoint: Endpoint) -> tuple[bool, str]:
    """Tell whether a client speaks BuildKit to this engine, and what it is."""
    try:
        able, what = _can_build(host, path)
        if not able:
            return False, what
        command = Command(
            words=(path, "version", "--format", "{{.Server.Version}}"),
            env={"DOCKER_HOST": endpoint.url, "DOCKER_CONTEXT": ""},
            timeout_s=_PATIENCE_S,
        )
        answer = host.run(command)
    except HostError as error:
        return False, error.what
    if answer.code != 0:
        said = (answer.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return False, f"{what}, but not with this engine: {said}"
    return True, what


def _can_build(host: Host, path: str) -> tuple[bool, str]:
    said = host.run(Command(words=(path, "--version"), timeout_s=_PATIENCE_S)).stdout
    found = re.match(r"Docker version (\d+)\.", said)
    if found is None:
        return False, "is no docker client"
    major = int(found.group(1))
    if major < _HAS_BUILDKIT:
        return False, f"{major}.x is too old for BuildKit"
    if major < _NEEDS_BUILDX:
        return True, f"{major}.x with BuildKit built in"
    if host.run(Command(words=(path, "buildx", "version"), timeout_s=_PATIENCE_S)).code == 0:
        return True, f"{major}.x with buildx"
    return False, f"{major}.x without its buildx plugin: classic builds only"
