"""The container engine of this machine: which one it is, and what would make it serve better."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from envkit.engines.docker import connect
from envkit.engines.values import EngineFacts
from envkit.errors import EngineError
from envkit.hosts.base import Host

# The plain recipe puts 2.5 GB on its base (facts/ide.md); a builder keeps about as much again.
LITTLE_DISK_BYTES = 6_000_000_000

# What the tests have seen: Debian 12's own of both.
OLDEST = {"docker": (20, 10), "podman": (4, 3)}


@dataclass(frozen=True, kw_only=True)
class Client:
    """A docker client on this machine, and whether envkit builds through it."""

    path: str
    taken: bool
    what: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is not as it should be, and what to do about it."""

    severity: Literal["error", "warning"]
    what: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class EngineStatus:
    """What is known of the engine; `facts` is None when none answers, and a finding says why."""

    address: str = ""
    why: str = ""  # which setting named the address
    facts: EngineFacts | None = None
    free_bytes: int | None = None  # None: elsewhere, so not looked at
    clients: tuple[Client, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def answers(self) -> bool:
        """Tell whether an engine answered."""
        return self.facts is not None


def look(host: Host) -> EngineStatus:
    """Look at the engine and at the docker clients; an engine that does not answer is a finding."""
    try:
        engine = connect(host)
        facts = engine.facts()
    except EngineError as error:
        return EngineStatus(findings=(Finding(severity="error", what=error.what, fix=error.fix),))
    free = host.free_bytes(Path(facts.storage_root)) if facts.local and facts.storage_root else None
    clients = tuple(
        Client(path=path, taken=path == facts.buildkit, what=what) for path, what in engine.choice.looked_at
    )
    return EngineStatus(
        address=engine.address,
        why=engine.why,
        facts=facts,
        free_bytes=free,
        clients=clients,
        findings=findings(facts, free),
    )


def findings(facts: EngineFacts, free: int | None) -> tuple[Finding, ...]:
    """Return what is not as it should be with an engine that answers."""
    found = [_old(facts), _builder(facts), _disk(facts, free)]
    return tuple(finding for finding in found if finding is not None)


def _old(facts: EngineFacts) -> Finding | None:
    number = re.match(r"(\d+)\.(\d+)", facts.version)
    if number is None or tuple(map(int, number.groups())) >= OLDEST.get(facts.kind, (0, 0)):
        return None
    oldest = ".".join(map(str, OLDEST[facts.kind]))
    return Finding(
        severity="warning",
        what=f"{facts.kind} {facts.version} is older than {oldest}, the oldest that envkit is tried with",
        fix="update it",
    )


def _builder(facts: EngineFacts) -> Finding | None:
    if facts.buildkit is not None:
        return None
    if facts.kind == "podman":
        return Finding(
            severity="warning",
            what="Podman builds by Docker's classic API: without cache mounts and without credentials",
            fix="for builds with both, set DOCKER_HOST to a Docker engine",
        )
    return Finding(
        severity="warning",
        what="no docker client here speaks BuildKit to this engine: builds use the classic builder, "
        "without cache mounts and without credentials",
        fix="install docker's buildx plugin, or Debian's docker.io (its client has BuildKit)",
    )


def _disk(facts: EngineFacts, free: int | None) -> Finding | None:
    if free is None or free >= LITTLE_DISK_BYTES:
        return None
    return Finding(
        severity="warning",
        what=f"{facts.storage_root} has {free / 1e9:.1f} GB free: "
        f"an image needs about {LITTLE_DISK_BYTES / 1e9:.0f} GB to build",
        fix="free space: `docker system df` shows what takes it",
    )
