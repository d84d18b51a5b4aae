"""The container engine of a machine: which one it is, and what would make it serve better."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envkit.doctor.finding import Check, Finding
from envkit.engines.docker import DockerEngine, connect
from envkit.engines.values import EngineFacts
from envkit.errors import EngineError
from envkit.hosts.base import Host

# The plain recipe puts 2.5 GB on its base (facts/ide.md); a builder keeps about as much again.
LITTLE_DISK_BYTES = 6_000_000_000
NO_DISK_BYTES = 500_000_000  # an engine without that much cannot even start a container reliably
LITTLE_INODES = 100_000  # an IDE image has about 60,000 files; a build holds most of them twice

# What the tests have seen: Debian 12's own of both.
OLDEST = {"docker": (20, 10), "podman": (4, 3)}

ENGINE = Check(name="engine", domain="engine")
_BUILDER = Check(name="builder", domain="engine")
_STORAGE = Check(name="storage", domain="engine")
_CGROUPS = Check(name="cgroups", domain="engine")
_EXPOSED = Check(name="engine's API", domain="engine")

# Storage drivers that copy, are slow or no longer mended → why (Docker's documentation, storage drivers).
_POOR_STORAGE = {
    "vfs": "copies every layer as a whole: builds are slow and fill the disk",
    "devicemapper": "is no longer supported: it was removed in Docker 25",
    "aufs": "is no longer supported: it was removed in Docker 24",
    "fuse-overlayfs": "goes through FUSE: slow with many small files",
}


@dataclass(frozen=True, kw_only=True)
class Client:
    """A docker client on this machine, and whether envkit builds through it."""

    path: str
    taken: bool
    what: str


@dataclass(frozen=True, kw_only=True)
class EngineStatus:
    """What is known of the engine; `facts` is None when none answers, and a finding says why."""

    address: str = ""
    why: str = ""  # which setting named the address
    facts: EngineFacts | None = None
    buildkit: str | None = None  # the client that builds by it
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
        return EngineStatus(findings=(ENGINE.fail("engine.none", error.what, error.fix),))
    free = host.free_bytes(Path(facts.storage_root)) if facts.local and facts.storage_root else None
    return EngineStatus(
        address=engine.address,
        why=engine.why,
        facts=facts,
        free_bytes=free,
        buildkit=engine.builder.client,
        clients=_clients(engine),
        findings=tuple(
            one for one in judge_engine(facts, engine.builder.client, free) if one.outcome != "ok"
        ),
    )


def _clients(engine: DockerEngine) -> tuple[Client, ...]:
    chosen = engine.choice
    return tuple(Client(path=path, taken=path == chosen.client, what=what) for path, what in chosen.looked_at)


def judge_engine(facts: EngineFacts, buildkit: str | None, free: int | None) -> tuple[Finding, ...]:
    """Return a line for each thing that is looked at with an engine that answers."""
    return (
        *ENGINE.all_of([_old(facts)], f"{facts.kind} {facts.version} ({facts.architecture})"),
        *_BUILDER.all_of([_builder(facts, buildkit)], f"BuildKit through {buildkit}"),
        *_STORAGE.all_of([*_storage(facts), disk(facts.storage_root, free)], _stored(facts, free)),
        *_CGROUPS.all_of(_cgroups(facts), _grouped(facts)),
        *_exposed(facts),
    )


def _old(facts: EngineFacts) -> Finding | None:
    number = re.match(r"(\d+)\.(\d+)", facts.version)
    if number is None or tuple(map(int, number.groups())) >= OLDEST.get(facts.kind, (0, 0)):
        return None
    oldest = ".".join(map(str, OLDEST[facts.kind]))
    return ENGINE.warn(
        "engine.old",
        f"{facts.kind} {facts.version} is older than {oldest}, the oldest that envkit is tried with",
        "update it",
    )


def _builder(facts: EngineFacts, buildkit: str | None) -> Finding | None:
    if buildkit is not None:
        return None
    if facts.kind == "podman":
        return _BUILDER.warn(
            "builder.podman",
            "Podman builds by Docker's classic API: without cache mounts and without credentials",
            "for builds with both, set DOCKER_HOST to a Docker engine",
        )
    return _BUILDER.warn(
        "builder.classic",
        "no docker client here speaks BuildKit to this engine: builds use the classic builder, "
        "without cache mounts and without credentials",
        "install docker's buildx plugin, or Debian's docker.io (its client has BuildKit)",
    )


def disk(root: str, free: int | None) -> Finding | None:
    """Judge the free space at the engine's data folder."""
    if free is None or free >= LITTLE_DISK_BYTES:
        return None
    what = (
        f"{root} has {free / 1e9:.1f} GB free: an image needs about {LITTLE_DISK_BYTES / 1e9:.0f} GB to build"
    )
    judge = _STORAGE.fail if free < NO_DISK_BYTES else _STORAGE.warn
    fault = "storage.full" if free < NO_DISK_BYTES else "storage.little"
    return judge(fault, what, "free space: `docker system df` shows what takes it")


def _storage(facts: EngineFacts) -> Iterator[Finding]:
    driver, root = facts.setup.storage_driver, facts.storage_root
    if driver in _POOR_STORAGE:
        yield _STORAGE.warn(
            "storage.driver",
            f"the storage driver {driver} {_POOR_STORAGE[driver]}",
            'use overlay2: "storage-driver" in /etc/docker/daemon.json (the images are then built or '
            "fetched anew)",
        )
    if facts.setup.backing.get("Supports d_type") == "false":
        yield _STORAGE.fail(
            "storage.d_type",
            f"the filesystem of {root} is XFS without ftype=1: overlay2 fails on it",
            "make it anew with `mkfs.xfs -n ftype=1`, or move the engine's data folder",
        )
    if root.startswith("/var/snap/"):
        yield _STORAGE.warn(
            "engine.snap",
            "Docker comes from a snap: it sees no folder outside your home, and no GPU",
            "remove the snap and install Docker from its own packages",
        )


def _stored(facts: EngineFacts, free: int | None) -> str:
    where = f"{facts.setup.storage_driver or 'unknown driver'} at {facts.storage_root or 'an unknown place'}"
    return where + ("" if free is None else f", {free / 1e9:.1f} GB free")


def _cgroups(facts: EngineFacts) -> Iterator[Finding]:
    told = " ".join(facts.setup.warnings)
    if "No memory limit support" in told:
        yield _CGROUPS.warn(
            "cgroups.memory",
            "the engine cannot limit memory: `--memory` is refused, and nothing holds a leak back",
            "boot with cgroup_enable=memory; a rootless engine needs cgroup v2 and delegated controllers",
        )
    if "rootless" in facts.setup.security and facts.setup.cgroup_version == "1":
        yield _CGROUPS.warn(
            "cgroups.rootless",
            "a rootless engine on cgroup v1 cannot limit CPUs, memory or processes",
            "boot with systemd.unified_cgroup_hierarchy=1 (cgroup v2)",
        )
    if "userns" in facts.setup.security:
        yield _CGROUPS.warn(
            "engine.userns",
            "the engine maps users to others (userns-remap): what a container writes into a mounted folder "
            "belongs to somebody else",
            'take "userns-remap" out of /etc/docker/daemon.json for the machines where IDEs run',
        )


def _grouped(facts: EngineFacts) -> str:
    version, driver = facts.setup.cgroup_version, facts.setup.cgroup_driver
    return f"v{version}, {driver}" if version and driver else "not told"


def _exposed(facts: EngineFacts) -> Iterator[Finding]:
    told = next((text for text in facts.setup.warnings if "is accessible on" in text), "")
    if told:
        yield _EXPOSED.fail(
            "engine.exposed",
            f"anybody who reaches it is root here: {told.removeprefix('WARNING: ')}",
            'take the tcp address out of "hosts" in /etc/docker/daemon.json, or demand certificates (TLS)',
        )
