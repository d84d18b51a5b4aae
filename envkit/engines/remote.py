"""Where the engine of a host listens, and the private socket here that leads to it."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.engines.endpoint import Endpoint
from envkit.engines.failures import NoEngine, NotAllowed
from envkit.errors import EngineError
from envkit.hosts.base import Command, Remote

# The sockets that endpoint.py looks for on this machine: Docker, rootless, Docker Desktop, Podman twice.
_LOOK = (
    'r=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}; printf "named %s\\n" "$DOCKER_HOST"; '
    'for p in /var/run/docker.sock "$r/docker.sock" "$HOME/.docker/run/docker.sock" '
    '/run/podman/podman.sock "$r/podman/podman.sock"; do if [ -S "$p" ]; then '
    'if [ -r "$p" ] && [ -w "$p" ]; then echo "open $p"; else echo "shut $p"; fi; fi; done'
)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the host told."""

    named: str
    open: tuple[str, ...]
    shut: tuple[str, ...]


def find_remote_endpoints(host: Remote) -> tuple[Endpoint, ...]:
    """Return where the host's engine may answer, each already forwarded; EngineError when there is none."""
    found = _look(host)
    if found.named:
        why = f"$DOCKER_HOST of {host.name}"
        path = host.forward(_address(found.named, why))
        return (Endpoint(url=f"unix://{path}", why=why, local=True, named=True),)
    if not found.open:
        raise _none(host, found)
    return tuple(
        # It shares that host's files and network, and a plan for it is made with that host's facts.
        Endpoint(url=f"unix://{host.forward(path)}", why=f"{path} on {host.name}", local=True)
        for path in found.open
    )


def _look(host: Remote) -> _Found:
    lines = host.run(Command(words=("sh", "-c", _LOOK), timeout_s=30.0)).stdout.splitlines()
    rows = [line.partition(" ")[::2] for line in lines]
    return _Found(
        named=next((value for kind, value in rows if kind == "named"), ""),
        open=tuple(value for kind, value in rows if kind == "open"),
        shut=tuple(value for kind, value in rows if kind == "shut"),
    )


def _address(url: str, why: str) -> str:
    """Return what to forward to for the DOCKER_HOST of a host."""
    if url.startswith("unix://"):
        return url.removeprefix("unix://")
    host, _, port = url.removeprefix("tcp://").rstrip("/").rpartition(":")
    if url.startswith("tcp://") and host and port.isdigit():
        return f"{host}:{port}"
    raise EngineError(
        f"{why} is {url}: envkit does not reach an engine by it",
        fix="set it there to unix:// or tcp://HOST:PORT",
    )


def _none(host: Remote, found: _Found) -> EngineError:
    if found.shut:
        return NotAllowed(
            f"{host.name}: this user may not talk to the engine at {', '.join(found.shut)}",
            fix="join its group there: `sudo usermod -aG docker $USER`, and log in again",
        )
    return NoEngine(
        f"there is no container engine on {host.name} that listens at a usual socket",
        fix="install and start one there (`envkit engine start`, on that machine), or set DOCKER_HOST there",
    )
