"""The interfaces of an engine. All raise EngineError when the engine fails."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from envkit.engines.failures import RegistryFailed
from envkit.engines.values import (
    BuildEvent,
    BuildRequest,
    Change,
    ContainerFacts,
    Ends,
    EngineFacts,
    ExecRequest,
    ExecResult,
    ImageFacts,
    LayerFacts,
    LogLine,
    LogRequest,
    Published,
    RunRequest,
    Sent,
    Usage,
)


class Images(Protocol):
    """The engine's images."""

    def inspect(self, reference: str) -> ImageFacts | None:
        """Return the image, or None when the engine has none of that name or id."""

    def tag(self, image: str, reference: str) -> None:
        """Give an image a name; the name is taken from whatever had it."""

    def untag(self, reference: str) -> None:
        """Take a name away; an image with no other name goes. Never forced. A name that is gone is fine."""

    def import_rootfs(
        self, tar: Path, reference: str, labels: Mapping[str, str], architecture: str = ""
    ) -> str:
        """Make a one-layer image of a root filesystem; return its id.

        `architecture`: the machine that it is for, where that is not the engine's.
        """

    def pull(self, reference: str, report: Callable[[str], None]) -> ImageFacts:
        """Fetch from a registry; `report` gets a line of progress at a time."""

    def list(self, labels: Mapping[str, str]) -> tuple[ImageFacts, ...]:
        """Return the images that carry all these labels."""

    def history(self, reference: str) -> tuple[LayerFacts, ...]:
        """Return the image's steps, the oldest first."""

    def config(self, reference: str) -> Mapping[str, Any]:
        """Return the image's own config, as the engine holds it: Env, Cmd, Labels, Healthcheck, …"""

    def commit(self, container: str, labels: Mapping[str, str]) -> str:
        """Make an image without a name of a container and its config with these labels more; return its id.

        The engine pauses the container meanwhile, and it may take as long as it takes. With the label SAVE,
        what carries its value already is that image: asked again, or with a lost reply, there is no second.
        """

    def load(self, tar: Path, report: Callable[[str], None]) -> str:
        """Take in a docker archive of one image, named or not; return its id."""

    def save(self, reference: str) -> Iterator[bytes]:
        """Yield the bytes of a docker archive of the image, all its layers in it."""

    def push(self, reference: str, report: Callable[[Sent], None], silence_s: float = 600.0) -> str:
        """Send an image of that name to its registry; return its manifest's digest, as the engine made it.

        RegistryFailed says how it failed, also when nothing moves for `silence_s`. The login is docker's own
        for that registry, and goes to no other.
        """

    def published(self, reference: str) -> Published | None:
        """Ask the registry itself what it holds under that name; None when it has nothing there."""

    def no_room(self, reference: str) -> RegistryFailed | None:
        """Ask the registry whether it has room; the error when it says that it has none, else None."""


class Builder(Protocol):
    """Turns a context into an image."""

    @property
    def client(self) -> str | None:
        """Return the client that speaks BuildKit ("/usr/bin/docker"), or None: the classic builder."""

    def build(self, request: BuildRequest, report: Callable[[BuildEvent], None]) -> str:
        """Build; return the image's id (it gets no tag).

        Raise BuildFailed (an EngineError) naming the failing step with its last 20 lines. Interrupting
        cancels the build in the engine too.
        """


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

    def remove_idle(self, container: str) -> None:
        """Do the same, but an EngineError when it runs: the engine decides, no moment lies between."""

    def written_bytes(self, container: str) -> int:
        """Return the size of its writable layer: what would be lost with it; 0 when it is gone."""

    def config(self, container: str) -> Mapping[str, Any]:
        """Return the container's own config, as the engine holds it: Env, Cmd, Labels, Healthcheck, …"""

    def changes(self, container: str) -> tuple[Change, ...]:
        """Return each path that is not as in its image, mounts left out, folders before what is in them.

        A byte that is not UTF-8 comes as U+FFFD.
        """

    def pause(self, container: str) -> None:
        """Freeze all its processes; one that is paused already is fine, one that does not run is an error."""

    def unpause(self, container: str) -> None:
        """Let them go on; one that is not paused, or gone, is fine."""


class Inside(Protocol):
    """What can be done inside a container."""

    def execute(self, container: str, request: ExecRequest) -> ExecResult:
        """Run a command to its end. A time-out is an EngineError."""

    def converse(self, container: str, request: ExecRequest, ends: Ends) -> int:
        """Run a command whose input and output are the caller's, as long as it takes; return its exit code.

        A connection that ends before the command is an EngineError. Nothing ends a command whose caller
        has gone, but its own terminal or input.
        """

    def logs(self, container: str, *, tail: int | None = None) -> bytes:
        """Return what the container has printed so far (its last lines), stdout and stderr as they came."""

    def put(self, container: str, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        """Write files (absolute path → bytes) into its writable layer, owned by root. Never for secrets."""

    def get(self, container: str, path: str) -> bytes | None:
        """Return a file's bytes, running or not (a link is followed); None when there is no such file."""


class Watch(Protocol):
    """What can be seen of a container from outside."""

    def log(self, container: str, request: LogRequest) -> Generator[tuple[LogLine, ...], None, None]:
        """Yield whole lines, some at a time, as they were printed; when following, () after a silence.

        The end of a followed log is not the container's end, and a cut one is an EngineError. Docker's own
        follower repeats lines when a log is rotated, and skips some when it is read too slowly.
        """

    def usage(self, container: str) -> Usage | None:
        """Return what it uses now; None when it does not run."""


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

    @property
    def watch(self) -> Watch:
        """Return what is seen of containers from outside."""

    def facts(self) -> EngineFacts:
        """Ask the engine what it is; EngineError with the fix when it does not answer."""
