"""What envkit asks of a machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from envkit.errors import HostError

PART_BYTES = 1 << 20


class Silent(HostError):
    """A program said nothing for too long, and was ended."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program to run: a tuple of words, never a shell line."""

    words: tuple[str, ...]
    stdin: bytes = field(default=b"", repr=False)  # may hold secrets
    env: Mapping[str, str] = field(
        default_factory=dict, repr=False
    )  # added to the host's own; may hold secrets
    directory: Path | None = None
    timeout_s: float = 60.0
    sends: bool = False  # what it writes, wherever to, is a sign of life too: on this machine, where /proc is


@dataclass(frozen=True, kw_only=True)
class Completed:
    """How a program ended. `stdout` and `stderr` are decoded as UTF-8, bad bytes replaced."""

    code: int
    stdout: str
    stderr: str


class Host(Protocol):
    """A machine. Every method raises HostError when the machine itself fails."""

    name: str

    def run(self, command: Command) -> Completed:
        """Run to the end; a non-zero code is a result, a missing program or a time-out a HostError."""

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        """Run, handing over each line of stdout and stderr as it comes; return the code.

        The program and all its children are ended when `each_line` raises. Silent is raised when no line
        comes for `timeout_s`; of a command that `sends`, when it writes nothing either.
        """

    def find_programs(self, name: str) -> tuple[Path, ...]:
        """Return every executable of that name: PATH in order, then the usual folders (/usr/bin, ...)."""

    def read(self, path: Path) -> bytes | None:
        """Return a file's bytes, or None when there is no such file."""

    def read_from(self, path: Path, offset: int) -> bytes | None:
        """Return what a file holds from an offset on, at most PART_BYTES; None when there is no such file."""

    def free_bytes(self, path: Path) -> int:
        """Return the free space of the filesystem that holds `path` or its nearest existing parent."""


@runtime_checkable
class Remote(Host, Protocol):
    """A machine that is not this one."""

    def forward(self, address: str) -> Path:
        """Return a socket here that leads to a unix socket (`/path`) or a port (`host:port`) there.

        It is private to this user, survives a dropped connection, and is there until the host is closed.
        """
