"""Where the engine of a host listens, and the private socket here that leads to it."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.engines.endpoint import Endpoint
from envkit.engines.failures import NoEngine, NotAllowed
from envkit.errors import EngineError
from envkit.hosts.base import Command, Remote
from envkit.hosts.failures import NotForwarded

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
    refused: list[NotForwarded] = []
    if found.named:
        why = f"$DOCKER_HOST of {host.name}"
        endpoints = _forwarded(host, (_address(found.named, why),), why, refused)
    else:
        endpoints = _forwarded(host, found.open, "", refused)
    if not endpoints:
        raise _none(host, found, refused)
    return endpoints


def _forwarded(
    host: Remote, addresses: tuple[str, ...], named: str, refused: list[NotForwarded]
) -> tuple[Endpoint, ...]:
    made = []
    for address in addresses:
        try:
            path = host.forward(address)
        except NotForwarded as error:
            refused.append(error)
            continue
        # It shares that host's files and network, and a plan for it is made with that host's facts.
        there = address if address.startswith("/") else ""
        why = named or f"{address} on {host.name}"
        made.append(Endpoint(url=f"unix://{path}", why=why, local=True, named=bool(named), there=there))
    return tuple(made)


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


def _none(host: Remote, found: _Found, refused: list[NotForwarded]) -> EngineError:
    if refused:
        what = "\n  ".join(error.what for error in refused)
        return NoEngine(f"the container engine of {host.name} does not answer: {what}", fix=refused[0].fix)
    if found.shut:
        return NotAllowed(
            f"{host.name}: this user may not talk to the engine at {', '.join(found.shut)}",
            fix="join its group there: `sudo usermod -aG docker $USER`, and log in again",
        )
    return NoEngine(
        f"there is no container engine on {host.name} that listens at a usual socket",
        fix="install and start one there (`envkit engine start`, on that machine), or set DOCKER_HOST there",
    )
