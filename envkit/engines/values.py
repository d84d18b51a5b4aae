"""What goes to an engine and what comes back: requests and facts, frozen.

Labels: everything envkit makes carries `io.envkit.owned=true`; only what carries it (a container:
`io.envkit.container=true`) is ever changed or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from envkit.spec.reserved import OWNED as OWNED
from envkit.spec.reserved import SAVE as SAVE

# A container inherits its image's labels, so OWNED on one only says that its image is ours. This one is
# set by `Containers.create` alone.
OWNED_CONTAINER = "io.envkit.container"


@dataclass(frozen=True, kw_only=True)
class EngineSetup:
    """How an engine is set up; what it does not tell is empty."""

    parts: Mapping[str, str] = field(default_factory=dict)  # "runc" → "1.1.12", "containerd" → …
    storage_driver: str = ""  # overlay2, …
    backing: Mapping[str, str] = field(default_factory=dict)  # what the storage driver says of itself
    cgroup_driver: str = ""  # cgroupfs | systemd
    cgroup_version: str = ""  # "1" | "2"
    runtimes: tuple[str, ...] = ()
    security: tuple[str, ...] = ()  # "seccomp", "rootless", "userns", …
    authorization: tuple[str, ...] = ()  # plugins
    has_proxy: bool = False
    insecure: tuple[str, ...] = ()  # networks and names of registries that it does not verify
    warnings: tuple[str, ...] = ()  # its own words


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """What an engine is and can do."""

    kind: Literal["docker", "podman", "fake"]
    version: str
    architecture: str  # amd64 | arm64, as OCI names it
    storage_root: str  # the engine's data folder; "" when unknown
    local: bool  # the engine runs on this machine
    cdi: tuple[str, ...] = ()  # devices it knows by the Container Device Interface ("nvidia.com/gpu=0")
    socket: str = ""  # where it listens, when that is a file
    setup: EngineSetup = field(default_factory=EngineSetup)
    # Whether it takes an archive that lacks the layers it has: overlay2 does, containerd's store does not.
    loads_on_top: bool = False


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """An image, as the engine tells it."""

    id: str  # sha256:…
    tags: tuple[str, ...]
    digests: tuple[str, ...]  # repo@sha256:…; empty for what never saw a registry
    labels: Mapping[str, str]
    env: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    architecture: str
    size_bytes: int
    layers: int
    created: str = ""  # RFC 3339; of a build that found everything in its cache: when it was first built
    diff_ids: tuple[str, ...] = ()  # sha256:… of each layer's tar, the lowest first


# there: the registry had it; again: it did not take it, and is asked once more in a while
SentState = Literal["waiting", "sending", "again", "sent", "there"]


class Sent(NamedTuple):
    """How far a layer of a push is."""

    layer: str  # the first twelve digits of its diff id
    state: SentState
    done_bytes: int = 0  # not compressed
    all_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a registry holds under a name, as it told itself."""

    digest: str  # of its manifest
    config: str = ""  # digest of the image's config; "" of a list of images, or when only the engine can ask
    layers: tuple[tuple[str, int], ...] = ()  # digest and bytes as they are there, compressed
    has_zstd: bool = False  # an older engine cannot read that


def short_id(identity: str) -> str:
    """Return an image's id, or a layer's, with as many digits as `docker images` shows."""
    return identity.removeprefix("sha256:")[:12]


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """One step of an image's history."""

    created_by: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """One build: a context folder that holds a Dockerfile."""

    context: Path
    dockerfile: str = "Dockerfile"
    name: str = ""  # what the image is called as soon as it is there; "" for nothing
    target: str | None = None
    secrets: Mapping[str, Path] = field(default_factory=dict)  # id → file; BuildKit only
    build_args: Mapping[str, str] = field(default_factory=dict, repr=False)  # predefined proxy arguments only
    labels: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False
    platform: str = ""  # "linux/arm64" of an image for other machines; "": the engine's own; BuildKit only
    silence_s: float = 1200.0  # a step silent for longer is named and cancelled


@dataclass(frozen=True, kw_only=True)
class BuildEvent:
    """One thing that happened in a build."""

    kind: Literal["step", "done", "cached", "line", "failed"]
    step: str  # the instruction, as the builder prints it ("[tools 3/9] RUN …")
    text: str = ""  # for `line`: the line
    seconds: float | None = None  # for `done` and `failed`


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A folder of the host, or a named volume, in a container."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Tmpfs:
    """A filesystem in memory: never in a layer."""

    target: str
    mode: int = 0o700
    uid: int = 0
    gid: int = 0
    size_mib: int = 16


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the container on an address of the host; `host_port` 0 lets the engine choose."""

    container_port: int
    host_port: int = 0
    address: str = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A limit of every process in a container (setrlimit(2)); -1 is none."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, kw_only=True)
class DeviceRequest:
    """Devices that the engine wires by itself: `driver` "cdi", or "" for whoever serves "gpu"."""

    driver: str
    ids: tuple[str, ...]  # ("all",) without CDI: every one


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One container to create, in envkit's words. Secrets never stand here: they arrive by exec."""

    image: str
    name: str | None = None
    command: tuple[str, ...] | None = None  # None: the image's own
    entrypoint: tuple[str, ...] | None = None  # None: the image's own
    user: str | None = None  # "UID:GID"; None: the image's own
    groups: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    ports: tuple[Port, ...] = ()
    shm_mib: int = 64
    init: bool = False
    restart: Literal["no", "unless-stopped", "on-failure"] = "no"
    network: str | None = None  # None: the engine's default bridge
    health: bool = True  # whether the image's own check of health runs in it
    cpus: float | None = None  # None: all
    memory_mib: int | None = None  # with swap; None: all
    limits: tuple[Limit, ...] = ()
    devices: tuple[str, ...] = ()  # nodes of the host, the same in the container
    device_request: DeviceRequest | None = None


@dataclass(frozen=True, kw_only=True)
class ContainerFacts:
    """A container, as the engine tells it."""

    id: str
    name: str
    image: str  # the image's id
    state: Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]
    exit_code: int | None  # None unless it has ended
    labels: Mapping[str, str]
    ports: Mapping[int, tuple[str, int]]  # container port → (address, host port)
    mounts: tuple[Mount, ...]
    created: str  # RFC 3339
    user: str
    started: str = ""  # RFC 3339; "" when it never was
    oom_killed: bool = False  # something in it, not always its main program, was ended for want of memory
    error: str = ""  # what the engine says of a start that failed
    restarts: int = 0  # how often the engine started it again by itself


class Change(NamedTuple):
    """One path that a container has otherwise than its image. No dataclass: there can be 100,000 of them."""

    path: str
    kind: Literal["changed", "added", "deleted"]


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """How a command in a container ended."""

    code: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ExecRequest:
    """A command to run in a running container."""

    command: tuple[str, ...]
    user: str | None = None
    stdin: bytes = field(default=b"", repr=False)  # may hold secrets
    env: Mapping[str, str] = field(default_factory=dict)
    directory: str | None = None  # None: the image's own
    timeout_s: float = 60.0
    hear: Callable[[bytes], None] | None = None  # gets each whole line of stdout as it comes


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The caller's side of a conversation with a command."""

    stdin: int | None  # a file descriptor that is read to its end; None: the command gets no input
    write: Callable[[int, bytes], None] = field(repr=False)  # takes output: 1 is stdout, 2 is stderr
    # The caller's terminal as (columns, rows), asked again and again; None: the command gets no terminal.
    size: Callable[[], tuple[int, int]] | None = None


class LogLine(NamedTuple):
    """A line that a container printed. No dataclass: there are 100,000 of them a second."""

    time_ns: int  # when the engine read it, since 1970
    stream: int  # 1: stdout, 2: stderr
    text: bytes  # without its newline


@dataclass(frozen=True, kw_only=True)
class LogRequest:
    """Which part of a container's log."""

    since_ns: int | None = None  # lines of this moment and later
    tail: int | None = None  # only the last lines
    follow: bool = False  # and what comes
    quiet_s: float = 10.0  # when following: an empty batch after so long a silence


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a running container has used and uses."""

    taken_ns: int  # when, by the engine's clock
    cpu_ns: int  # of all CPUs together, since its start
    memory_bytes: int  # without the pages of files that the kernel can drop
    limit_bytes: int  # the machine's memory when it has no limit
    processes: int
