"""The engine on its machine: why none answers, and what of the machine its containers feel. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from envkit.doctor.engine import ENGINE
from envkit.doctor.finding import Check, Finding
from envkit.doctor.seen import Seen
from envkit.engines.failures import NoEngine, NotAllowed
from envkit.engines.values import EngineFacts
from envkit.errors import EngineError

_NETWORK = Check(name="network", domain="engine")
_PROXY = Check(name="proxy", domain="engine")
_LIMITS = Check(name="limits", domain="engine")


def no_engine(error: EngineError, seen: Seen) -> Finding:
    """Say why no engine answers: none, one that this user may not use, or what is left of a dead one."""
    if isinstance(error, NotAllowed) or "ermission denied" in error.what:
        return _not_allowed(error, seen)
    is_docker_s = isinstance(error, NoEngine) or "/var/run/docker.sock" in error.what
    if is_docker_s and seen.docker_runs is not None and seen.docker_runs != "dockerd":
        left = f" and its number now belongs to {seen.docker_runs}" if seen.docker_runs else ""
        return ENGINE.fail(
            "engine.dead",
            f"dockerd has died and left /var/run/docker.pid{left}: {error.what}",
            "`sudo envkit engine start` clears it away and starts it; its log says why it died",
        )
    if is_docker_s and seen.docker_runs == "dockerd":
        return ENGINE.fail(
            "engine.mute",
            f"dockerd runs and does not answer: {error.what}",
            "look at its log (`journalctl -u docker`); a full or slow disk makes it late",
        )
    if isinstance(error, NoEngine):
        return ENGINE.fail("engine.none", error.what, error.fix)
    return ENGINE.fail("engine.unreachable", error.what, error.fix)


def _not_allowed(error: EngineError, seen: Seen) -> Finding:
    is_member = seen.docker_group is not None and seen.user in seen.docker_group
    if is_member and "docker" not in seen.groups:
        return ENGINE.fail(
            "engine.log-in-again",
            f"{seen.user} is in the group docker, but this session is older than that",
            "log out and in again, or `newgrp docker`",
        )
    if seen.docker_group is None:
        return ENGINE.fail(
            "engine.no-group",
            f"only root may talk to the engine: there is no group docker ({error.what})",
            "sudo groupadd docker; sudo usermod -aG docker $USER; restart docker and log in again",
        )
    return ENGINE.fail("engine.not-allowed", error.what, error.fix)


def judge_on_host(facts: EngineFacts, seen: Seen) -> tuple[Finding, ...]:
    """Return what of the machine an engine's containers feel."""
    return (
        *_NETWORK.all_of(_network(seen), _reached(seen)),
        *_PROXY.all_of(_proxy(facts, seen), _proxied(facts, seen)),
        *_LIMITS.all_of(_limits(seen), "the engine may lift a process's limits"),
    )


def _network(seen: Seen) -> Iterator[Finding]:
    if seen.numbers.get("forward") == 0:
        yield _NETWORK.fail(
            "network.forward",
            "this machine does not forward packets: containers have no network",
            "sysctl -w net.ipv4.ip_forward=1, and in /etc/sysctl.d for the next boot",
        )
    outer, inner = seen.numbers.get("mtu"), seen.numbers.get("docker_mtu")
    if outer and inner and inner > outer:
        yield _NETWORK.warn(
            "network.mtu",
            f"containers send packets of {inner} bytes, the way out takes {outer}: large downloads can hang",
            f'"mtu": {outer} in /etc/docker/daemon.json, and restart docker',
        )
    if seen.dns and all(_is_loopback(address) for address in seen.dns) and "127.0.0.53" not in seen.dns:
        yield _NETWORK.warn(
            "network.dns",
            f"names come from {', '.join(seen.dns)}, which containers cannot reach: they ask public servers",
            '"dns": [...] in /etc/docker/daemon.json names servers that they can reach',
        )


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _reached(seen: Seen) -> str:
    return f"forwards packets; names by {', '.join(seen.dns) or 'nobody'}"


def _proxy(facts: EngineFacts, seen: Seen) -> Iterator[Finding]:
    if seen.has_proxy and not facts.setup.has_proxy and facts.kind == "docker":
        yield _PROXY.warn(
            "proxy.engine",
            "HTTPS_PROXY is set here, and the engine has none: it fetches images without it",
            '"proxies" in /etc/docker/daemon.json (Docker 23), or HTTPS_PROXY in a systemd drop-in',
        )


def _proxied(facts: EngineFacts, seen: Seen) -> str:
    if not seen.has_proxy and not facts.setup.has_proxy:
        return "none, here and in the engine"
    return "the engine has one" + ("" if seen.has_proxy else ", this shell has none")


def _limits(seen: Seen) -> Iterator[Finding]:
    if not seen.raises_limits:
        yield _LIMITS.warn(
            "limits.memlock",
            "the engine may not lift limits: containers keep "
            f"memlock at {_kb(seen.limits.get('memlock'))} (InfiniBand and pinned memory want more)",
            "raise it where the engine starts (LimitMEMLOCK=infinity in its unit, or the outer container's "
            "--ulimit memlock=-1)",
        )


def _kb(limit: int | None) -> str:
    return "an unknown size" if limit is None else "no limit" if limit < 0 else f"{limit} kB"
