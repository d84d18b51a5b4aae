"""Docker, and Podman's Docker-compatible socket: the engine as a whole."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import DockerException
from docker.utils import kwargs_from_env
from urllib3.util.retry import Retry

from envkit.engines.base import Builder
from envkit.engines.docker_containers import DockerContainers
from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.docker_images import DockerImages
from envkit.engines.docker_inside import DockerInside
from envkit.engines.docker_setup import is_podman, loads_on_top, read_setup
from envkit.engines.docker_watch import DockerWatch
from envkit.engines.endpoint import Endpoint, find_endpoints, nowhere
from envkit.engines.failures import NoEngine, NotAllowed
from envkit.engines.values import EngineFacts
from envkit.errors import EngineError, UsageError
from envkit.hosts.base import Host, Remote
from envkit.hosts.local import LocalHost

if TYPE_CHECKING:
    from envkit.engines.builders import Choice

# The SDK's own default is 60 s; removing a large container on a busy disk takes longer.
_TIMEOUT_S = 180
_HELLO_S = 20  # for the first answer: an address where nobody is must not cost minutes
# Over SSH a line may drop. A question is asked again; what changes something is for whoever asked for it.
_AGAIN = Retry(total=3, read=3, status=0, other=0, backoff_factor=0.5, allowed_methods=("GET", "HEAD"))
# OCI's names of architectures, as `docker version` and `uname -m` give them.
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def connect(host: Host, *, classic: bool = False) -> DockerEngine:
    """Return the engine of a host; NoEngine when there is none, EngineError when it does not answer.

    With `classic` it builds with the classic builder, whatever else it could.
    """
    refused: list[EngineError] = []
    endpoints = _endpoints(host)
    # Whoever drives the engine runs here, wherever that is.
    here: Host = LocalHost() if isinstance(host, Remote) else host
    for endpoint in endpoints:
        try:
            client = _client(endpoint)
        except EngineError as error:
            refused.append(error)
            continue
        return DockerEngine(client, endpoint, here, _classic(client) if classic else None)
    raise _nobody(endpoints, refused)


def _endpoints(host: Host) -> tuple[Endpoint, ...]:
    if not isinstance(host, Remote):
        return find_endpoints(host)
    from envkit.engines.remote import find_remote_endpoints

    return find_remote_endpoints(host)


def _classic(client: docker.DockerClient) -> Choice:
    from envkit.engines.builders import Choice
    from envkit.engines.classic import Classic

    return Choice(builder=Classic(client), client=None, looked_at=())


def _nobody(endpoints: tuple[Endpoint, ...], refused: list[EngineError]) -> EngineError:
    if not refused:
        return nowhere()
    kept = any(endpoint.named for endpoint in endpoints) or any(isinstance(e, NotAllowed) for e in refused)
    kind = EngineError if kept else NoEngine
    return kind("\n  ".join(error.what for error in refused), fix=refused[0].fix)


def _client(endpoint: Endpoint) -> docker.DockerClient:
    patience_s = _patience_s(os.environ.get("ENVKIT_ENGINE_TIMEOUT", ""))
    with spoken_as_ours(f"the container engine at {endpoint.url} ({endpoint.why})"):
        try:
            tls = kwargs_from_env().get("tls") if endpoint.url.startswith("tcp://") else None
            client = docker.DockerClient(
                base_url=endpoint.url, tls=tls or False, version="auto", timeout=min(_HELLO_S, patience_s)
            )
        except ValueError as error:  # of an address that urllib cannot take apart
            raise DockerException(str(error)) from error
    client.api.timeout = patience_s
    if endpoint.there:
        for adapter in client.api.adapters.values():
            adapter.max_retries = _AGAIN  # type: ignore[attr-defined]  # each is requests' HTTPAdapter
    return client


def _file(url: str) -> str:
    return url.removeprefix("unix://") if url.startswith("unix://") else ""


def _patience_s(asked: str) -> int:
    """Return how long an answer may take."""
    if not asked:
        return _TIMEOUT_S
    if not re.fullmatch("[1-9][0-9]{0,5}", asked):
        raise UsageError(f"ENVKIT_ENGINE_TIMEOUT is {asked!r}", fix="give it seconds, as in 600, or unset it")
    return int(asked)


class DockerEngine:
    """An engine behind the Docker API."""

    def __init__(
        self, client: docker.DockerClient, endpoint: Endpoint, host: Host, choice: Choice | None = None
    ) -> None:
        self._client, self._endpoint, self._host, self._choice = client, endpoint, host, choice
        self.images = DockerImages(client, lambda: self._is_here and not endpoint.there)
        self.containers = DockerContainers(client)
        self.inside = DockerInside(client)
        self.watch = DockerWatch(client)

    @property
    def builder(self) -> Builder:
        """Return the best builder that this machine can speak to."""
        return self.choice.builder

    @property
    def address(self) -> str:
        """Return where it listens."""
        return self._endpoint.url

    @property
    def why(self) -> str:
        """Return which setting named that address."""
        return self._endpoint.why

    @cached_property
    def choice(self) -> Choice:
        """Return the builder, and which docker clients were looked at for it."""
        from envkit.engines.builders import find_builder

        return self._choice or find_builder(
            self._host, replace(self._endpoint, local=self._is_here), self._client
        )

    @cached_property
    def _is_here(self) -> bool:
        """Tell whether it is on this machine, and shares its files."""
        with spoken_as_ours("asking the engine what it is"):
            about: dict[str, Any] = self._client.info()
        return self._endpoint.local and _shares_files(about)

    def facts(self) -> EngineFacts:
        """Ask the engine what it is."""
        with spoken_as_ours("asking the engine what it is"):
            about: dict[str, Any] = self._client.info()
            version: dict[str, Any] = self._client.version()
        machine = str(version.get("Arch") or about.get("Architecture") or "")
        return EngineFacts(
            kind="podman" if is_podman(version) else "docker",
            version=str(version.get("Version", "")),
            architecture=_ARCHITECTURES.get(machine, machine),
            storage_root=str(about.get("DockerRootDir") or ""),
            local=self._endpoint.local and _shares_files(about),
            cdi=tuple(str(one.get("ID")) for one in about.get("DiscoveredDevices") or ()),
            socket=self._endpoint.there or _file(self.address),
            setup=read_setup(about, version),
            loads_on_top=loads_on_top(about) and not is_podman(version),
        )


def _shares_files(about: Mapping[str, Any]) -> bool:
    """Tell whether an engine here shares the network and files of its host; Docker Desktop does not."""
    return about.get("OperatingSystem") != "Docker Desktop"
