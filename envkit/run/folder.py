"""A run's folder, which is the truth about it: where everything lies in it, and what its files hold.

design.md, section 5. The client writes `request.json`'s content and `stop.json`; the supervisor, inside,
writes everything else. A file of JSON is replaced as a whole, so that a reader never sees half of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from envkit.plan.run_plan import HOME

VERSION = 1  # of what request.json and run.json hold
TASKS = "task"  # below the home

State = Literal["finished", "failed", "stopped", "timed-out", "killed", "lost"]
Cause = Literal[
    "script-error",
    "host-memory",
    "device-memory",
    "signal",
    "not-started",
    "rendezvous",
    "user",
    "outside",
    "timeout",
    "node-lost",
    "engine-lost",
]
Kind = Literal["script", "module", "shell", "command"]


@dataclass(frozen=True, kw_only=True)
class AttemptFolder:
    """One attempt of a run: where its evidence lies."""

    path: PurePosixPath

    @property
    def request(self) -> PurePosixPath:
        """Return where it stands what was asked."""
        return self.path / "request.json"

    @property
    def supervisor(self) -> PurePosixPath:
        """Return where it stands which process watches."""
        return self.path / "supervisor.json"

    @property
    def stop(self) -> PurePosixPath:
        """Return where it stands that somebody asked for its end."""
        return self.path / "stop.json"

    @property
    def end(self) -> PurePosixPath:
        """Return where it stands how it ended."""
        return self.path / "end.json"

    @property
    def shim(self) -> PurePosixPath:
        """Return the folder of what Python loads before the script."""
        return self.path / "shim"

    @property
    def merged_log(self) -> PurePosixPath:
        """Return the log of several processes: whole lines, each with its rank."""
        return self.path / "all.log"

    def log(self, rank: int) -> PurePosixPath:
        """Return what one process printed, as it came."""
        return self.path / f"rank-{rank}.log"

    def rank(self, rank: int) -> PurePosixPath:
        """Return where it stands how one process ended."""
        return self.path / f"rank-{rank}.json"

    def shown_log(self, processes: int) -> PurePosixPath:
        """Return the log that a person reads."""
        return self.log(0) if processes == 1 else self.merged_log


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """A run's folder, on the host or as its container sees it."""

    path: PurePosixPath

    @classmethod
    def on_host(cls, home: str, name: str) -> RunFolder:
        """Return it below a home on the host."""
        return cls(path=PurePosixPath(home) / TASKS / name)

    @classmethod
    def inside(cls, name: str) -> RunFolder:
        """Return it as the run sees it."""
        return cls(path=PurePosixPath(HOME) / TASKS / name)

    @property
    def name(self) -> str:
        """Return the run's name: MODEL_PATH."""
        return self.path.name

    @property
    def summary(self) -> PurePosixPath:
        """Return where it stands what the run is and how it went last."""
        return self.path / "run.json"

    @property
    def model(self) -> PurePosixPath:
        """Return the folder of its event files and its model."""
        return self.path / "model"

    @property
    def code(self) -> PurePosixPath:
        """Return the folder of a copied project (--sync)."""
        return self.path / "code"

    @property
    def attempts(self) -> PurePosixPath:
        """Return the folder of the attempts."""
        return self.path / "attempts"

    def attempt(self, number: int) -> AttemptFolder:
        """Return the folder of one attempt; the first is 1."""
        return AttemptFolder(path=self.attempts / str(number))


@dataclass(frozen=True, kw_only=True)
class Node:
    """Which of several machines this one is, and where they meet."""

    rank: int
    count: int
    address: str
    port: int
    link_port: int | None = None
    names: tuple[str, ...] = ()
    token_file: str | None = None
    silence_s: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a supervisor is asked to do; it holds no secret."""

    version: int = VERSION
    name: str
    folder: str
    attempt: int = 1
    kind: Kind
    target: str
    args: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    directory: str
    env: Mapping[str, str] = field(default_factory=dict)
    nproc: int = 1
    node: Node | None = None
    accelerator: str = "cpu"
    redirect: bool = True
    grace_s: float = 120.0
    timeout_s: float | None = None
    log_limit: int | None = None  # bytes that each log keeps; None: all
    retries: int = 0
    retry_on: tuple[str, ...] = ()
    detach: bool = False
    echo: bool = False
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Supervisor:
    """Which process watches an attempt; a number of a process alone may be somebody else's by now."""

    pid: int
    started_ticks: int
    boot_id: str
    container: str


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Who asked for the end, and how hard."""

    by: Literal["user", "timeout", "node-lost"]
    time: float
    now: bool = False


@dataclass(frozen=True, kw_only=True)
class Rank:
    """How one process went; without `ended` it runs, or was lost."""

    rank: int
    local_rank: int = 0
    pid: int | None = None
    started: float | None = None
    ended: float | None = None
    code: int | None = None
    signal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The last frame of a traceback."""

    file: str
    line: int
    function: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class End:
    """How an attempt ended."""

    state: State
    cause: Cause | None = None
    code: int | None = None
    signal: str | None = None
    rank: int | None = None
    words: str = ""
    frame: Frame | None = None
    sentence: str = ""
    started: float | None = None
    ended: float | None = None
    ranks: tuple[Rank, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The last attempt, as the summary tells it."""

    number: int
    started: float | None = None
    ended: float | None = None
    end: End | None = None


@dataclass(frozen=True, kw_only=True)
class Git:
    """Which code it was."""

    commit: str = ""
    branch: str = ""
    dirty: bool = False
    diff: str = ""


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run's summary."""

    version: int = VERSION
    name: str
    record: Mapping[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    script: str = ""
    directory: str = ""
    accelerator: str = "cpu"
    nproc: int = 1
    nodes: int = 1
    created: float | None = None
    attempts: int = 1
    attempt: Attempt
    git: Git | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    retries: int = 0
