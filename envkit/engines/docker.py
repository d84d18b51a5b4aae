"""Docker, and Podman's Docker-compatible socket: the engine as a whole."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import docker

from envkit.engines.base import Builder, EngineFacts
from envkit.engines.builders import find_builder
from envkit.engines.docker_containers import DockerContainers
from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.docker_images import DockerImages
from envkit.engines.docker_inside import DockerInside
from envkit.engines.endpoint import Endpoint, find_endpoint
from envkit.hosts.base import Host

# The SDK's own default is 60 s; removing a large container on a busy disk takes longer.
_TIMEOUT_S = 180
# OCI's names of architectures, as `docker version` and `uname -m` give them.
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def connect(host: Host) -> DockerEngine:
    """Return the engine of a host; EngineError with the fix when none answers."""
    endpoint = find_endpoint(host)
    with spoken_as_ours("connecting to the container engine"):
        client = docker.DockerClient(base_url=endpoint.url, version="auto", timeout=_TIMEOUT_S)
        client.ping()
    return DockerEngine(client, endpoint, host)


class DockerEngine:
    """An engine behind the Docker API."""

    def __init__(self, client: docker.DockerClient, endpoint: Endpoint, host: Host) -> None:
        self._client, self._endpoint, self._host = client, endpoint, host
        self.images = DockerImages(client)
        self.containers = DockerContainers(client)
        self.inside = DockerInside(client)

    @cached_property
    def builder(self) -> Builder:
        """Return the best builder that this machine can speak to."""
        return find_builder(self._host, self._endpoint, self._client).builder

    def facts(self) -> EngineFacts:
        """Ask the engine what it is."""
        with spoken_as_ours("asking the engine what it is"):
            about: dict[str, Any] = self._client.info()
            version: dict[str, Any] = self._client.version()
        names = " ".join(str(part.get("Name", "")) for part in version.get("Components") or ())
        machine = str(version.get("Arch") or about.get("Architecture") or "")
        return EngineFacts(
            kind="podman" if "podman" in names.lower() else "docker",
            version=str(version.get("Version", "")),
            architecture=_ARCHITECTURES.get(machine, machine),
            buildkit=find_builder(self._host, self._endpoint, self._client).client,
            storage_root=str(about.get("DockerRootDir") or ""),
            local=self._endpoint.local,
        )
