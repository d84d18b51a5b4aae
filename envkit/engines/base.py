"""The interfaces of an engine, and the values that go through them.

All raise EngineError when the engine fails. Labels: everything envkit makes carries `io.envkit.owned=true`;
only what carries it (a container: `io.envkit.container=true`) is ever changed or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from envkit.errors import EngineError

OWNED = "io.envkit.owned"
# A container inherits its image's labels, so OWNED on one only says that its image is ours. This one is
# set by `Containers.create` alone.
OWNED_CONTAINER = "io.envkit.container"


class NoEngine(EngineError):
    """None answers where engines usually listen, and the user named none."""


class NotAllowed(EngineError):
    """There is an engine, and this user may not talk to it."""


class NameTaken(EngineError):
    """A container of that name is there already, ours or not."""


class PortTaken(EngineError):
    """The port of the host is in use."""


class BuildFailed(EngineError):
    """A build did not end with an image; `what` names the step, its last lines and the log."""


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """What an engine is and can do."""

    kind: Literal["docker", "podman", "fake"]
    version: str
    architecture: str  # amd64 | arm64, as OCI names it
    buildkit: str | None  # the client that speaks BuildKit ("/usr/bin/docker"), or None: classic builder
    storage_root: str  # the engine's data folder; "" when unknown
    local: bool  # the engine runs on this machine


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


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """One step of an image's history."""

    created_by: str
    size_bytes: int


class Images(Protocol):
    """The engine's images."""

    def inspect(self, reference: str) -> ImageFacts | None:
        """Return the image, or None when the engine has none of that name or id."""

    def tag(self, image: str, reference: str) -> None:
        """Give an image a name; the name is taken from whatever had it."""

    def untag(self, reference: str) -> None:
        """Take a name away; an image with no other name goes. Never forced. A name that is gone is fine."""

    def import_rootfs(self, tar: Path, reference: str, labels: Mapping[str, str]) -> str:
        """Make a one-layer image of a root filesystem; return its id."""

    def pull(self, reference: str, report: Callable[[str], None]) -> ImageFacts:
        """Fetch from a registry; `report` gets a line of progress at a time."""

    def list(self, labels: Mapping[str, str]) -> tuple[ImageFacts, ...]:
        """Return the images that carry all these labels."""

    def history(self, reference: str) -> tuple[LayerFacts, ...]:
        """Return the image's steps, the oldest first."""


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """One build: a context folder that holds a Dockerfile."""

    context: Path
    dockerfile: str = "Dockerfile"
    target: str | None = None
    secrets: Mapping[str, Path] = field(default_factory=dict)  # id → file; BuildKit only
    build_args: Mapping[str, str] = field(default_factory=dict, repr=False)  # predefined proxy arguments only
    labels: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False
    silence_s: float = 1200.0  # a step silent for longer is named and cancelled


@dataclass(frozen=True, kw_only=True)
class BuildEvent:
    """One thing that happened in a build."""

    kind: Literal["step", "done", "cached", "line", "failed"]
    step: str  # the instruction, as the builder prints it ("[tools 3/9] RUN …")
    text: str = ""  # for `line`: the line
    seconds: float | None = None  # for `done` and `failed`


class Builder(Protocol):
    """Turns a context into an image."""

    def build(self, request: BuildRequest, report: Callable[[BuildEvent], None]) -> str:
        """Build; return the image's id (it gets no tag).

        Raise BuildFailed (an EngineError) naming the failing step with its last 20 lines. Interrupting
        cancels the build in the engine too.
        """


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
    restart: Literal["no", "unless-stopped"] = "no"
    network: str | None = None  # None: the engine's default bridge


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
    timeout_s: float = 60.0


class Containers(Protocol):
    """The engine's containers."""

    def create(self, request: RunRequest) -> str:
        """Create (not start) a container labelled as ours; return its id. NameTaken when the name is."""

    def start(self, container: str) -> None:
        """Start; one that runs already is fine.

        A port that is taken is PortTaken; the container then stays `created`, and whoever made it removes it.
        """

    def find(self, labels: Mapping[str, str]) -> tuple[ContainerFacts, ...]:
        """Return all containers, running or not, that carry these labels (value "" matches any value)."""

    def inspect(self, container: str) -> ContainerFacts | None:
        """Return the container of that name or id, or None."""

    def stop(self, container: str, grace_s: float) -> None:
        """Ask it to end, end it after `grace_s`; one that is gone or stopped is fine."""

    def remove(self, container: str) -> None:
        """Remove a container of ours (killing it); one that is gone is fine, one not ours is refused."""

    def written_bytes(self, container: str) -> int:
        """Return the size of its writable layer: what would be lost with it; 0 when it is gone."""


class Inside(Protocol):
    """What can be done inside a container."""

    def execute(self, container: str, request: ExecRequest) -> ExecResult:
        """Run a command to its end. A time-out is an EngineError."""

    def logs(self, container: str) -> bytes:
        """Return what the container has printed so far, stdout and stderr as they came."""

    def put(self, container: str, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        """Write files (absolute path → bytes) into its writable layer, owned by root. Never for secrets."""

    def get(self, container: str, path: str) -> bytes | None:
        """Return a file's bytes, running or not (a link is followed); None when there is no such file."""


class Engine(Protocol):
    """An engine: its parts, each behind its own interface."""

    @property
    def images(self) -> Images:
        """Return what is done with images."""

    @property
    def builder(self) -> Builder:
        """Return what builds."""

    @property
    def containers(self) -> Containers:
        """Return what is done with containers."""

    @property
    def inside(self) -> Inside:
        """Return what is done inside containers."""

    def facts(self) -> EngineFacts:
        """Ask the engine what it is; EngineError with the fix when it does not answer."""
