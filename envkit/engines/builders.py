"""Choose a builder: the first docker client that speaks BuildKit to this engine, else the classic one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import docker

from envkit.engines.base import Builder
from envkit.engines.buildkit import BuildKit
from envkit.engines.classic import Classic
from envkit.engines.endpoint import Endpoint
from envkit.errors import HostError
from envkit.hosts.base import Command, Host

# From 23.0 on the client wants its buildx plugin for BuildKit (docker/cli, release notes of 23.0); older ones
# carry a BuildKit client of their own, from 18.09 on.
_NEEDS_BUILDX, _HAS_BUILDKIT = 23, 18


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A builder, and why each client was or was not taken."""

    builder: Builder
    client: str | None  # the client's path; None: classic
    looked_at: tuple[tuple[str, str], ...]  # (path, what it can do)


def find_builder(host: Host, endpoint: Endpoint, client: docker.DockerClient) -> Choice:
    """Return the best builder; the first client on PATH is often one that cannot."""
    looked_at: list[tuple[str, str]] = []
    for path in host.find_programs("docker"):
        able, what = _speaks_buildkit(host, path)
        looked_at.append((str(path), what))
        if able:
            builder = BuildKit(host, str(path), endpoint)
            return Choice(builder=builder, client=str(path), looked_at=tuple(looked_at))
    return Choice(builder=Classic(client), client=None, looked_at=tuple(looked_at))


def _speaks_buildkit(host: Host, path: Path) -> tuple[bool, str]:
    try:
        version = host.run(Command(words=(str(path), "--version"), timeout_s=20)).stdout
        found = re.search(r"version (\d+)\.", version)
        if found is None:
            return False, "is no docker client"
        if host.run(Command(words=(str(path), "buildx", "version"), timeout_s=20)).code == 0:
            return True, f"{found.group(1)}.x with buildx"
    except HostError as error:
        return False, error.what
    major = int(found.group(1))
    if major >= _NEEDS_BUILDX:
        return False, f"{major}.x without its buildx plugin: classic builds only"
    return (
        (True, f"{major}.x with BuildKit built in")
        if major >= _HAS_BUILDKIT
        else (False, f"{major}.x is too old")
    )
