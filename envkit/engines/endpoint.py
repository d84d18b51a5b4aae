"""Where the engine listens: what the user's own docker client would take, then the usual sockets."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkit.engines.failures import NoEngine
from envkit.errors import EngineError
from envkit.hosts.base import Host

# Who names Docker's own socket names no engine of his own.
_DEFAULT = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An engine's address."""

    url: str  # unix:///var/run/docker.sock, tcp://…
    why: str  # which setting named it
    local: bool  # it is its host's own: this machine's, or that of a host over SSH
    there: str = ""  # of a host over SSH: the socket's path there; `url` leads to it
    named: bool = False  # the user's own choice: no other is taken instead


def find_endpoints(host: Host, environment: Mapping[str, str] | None = None) -> tuple[Endpoint, ...]:
    """Return where an engine may answer: $DOCKER_HOST, else the docker context, else the usual sockets."""
    environment = os.environ if environment is None else environment
    if url := environment.get("DOCKER_HOST"):
        return (_named(url, "$DOCKER_HOST"),)
    if found := _of_context(host, environment):
        return (found,)
    return tuple(
        Endpoint(url=f"unix://{path}", why=f"{path} is there", local=True)
        for path in _sockets(environment)
        if path.is_socket()
    )


def nowhere(environment: Mapping[str, str] | None = None) -> NoEngine:
    """Return the error of a machine without any engine's socket."""
    tried = ", ".join(map(str, _sockets(os.environ if environment is None else environment)))
    return NoEngine(
        f"there is no container engine here (looked for {tried})",
        fix="`envkit engine start` installs and starts one on Debian and Ubuntu; or set DOCKER_HOST",
    )


def _named(url: str, why: str) -> Endpoint:
    if url.startswith("ssh://"):
        raise EngineError(
            f"{why} is {url}: envkit reaches engines over SSH by its own connection, as a host",
            fix=f"envkit host add NAME {url.removeprefix('ssh://')}, and --host NAME with your command",
        )
    return Endpoint(url=url, why=why, local=url.startswith("unix://"), named=url not in _DEFAULT)


def _sockets(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the usual sockets: Docker's, rootless Docker's, Docker Desktop's, Podman's."""
    runtime = Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return (
        Path("/var/run/docker.sock"),
        runtime / "docker.sock",
        Path.home() / ".docker" / "run" / "docker.sock",
        Path("/run/podman/podman.sock"),
        runtime / "podman" / "podman.sock",
    )


def _of_context(host: Host, environment: Mapping[str, str]) -> Endpoint | None:
    """Return the address of the docker client's context, if one other than `default` is in use."""
    folder = Path(environment.get("DOCKER_CONFIG") or Path.home() / ".docker")
    name = environment.get("DOCKER_CONTEXT") or _json(host, folder / "config.json").get("currentContext")
    if not name or name == "default":
        return None
    for meta in sorted((folder / "contexts" / "meta").glob("*/meta.json")):
        about = _json(host, meta)
        if about.get("Name") == name:
            url = str(about.get("Endpoints", {}).get("docker", {}).get("Host", ""))
            return _named(url, f"the docker context {name}")
    raise EngineError(
        f"the docker context {name!r} is in use but not there", fix="`docker context use default`"
    )


def _json(host: Host, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(host.read(path) or b"{}")
    except ValueError as error:
        raise EngineError(f"{path} is no JSON: {error}", fix="mend it: docker reads it too") from error
    return found if isinstance(found, dict) else {}
