"""Who made a container: the process that is at it while it is half-made. Told by a label, no secret."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

LABEL = "io.envkit.client"
_STARTED = 19  # field 22 of /proc/PID/stat, counted after the program's name (proc(5))


@dataclass(frozen=True, kw_only=True)
class Maker:
    """A process of envkit, as whoever meets what it made can recognise it."""

    user: str
    machine: str
    pid: int
    since: str  # when it made this, RFC 3339
    place: str  # the boot and the process table that `pid` counts in
    started: str  # when the process started, in ticks since the boot: a pid is given again
    key: str  # this very making: another of the same process has its own

    def __str__(self) -> str:
        """Return it as a person reads it: `ada@box (pid 12, since 2026-01-01 12:00:00Z)`."""
        since = f", since {self.since.replace('T', ' ')}" if self.since else ""
        who = f"{self.user}@{self.machine}" if self.user else "a process of this machine"
        return f"{who} (pid {self.pid}{since})"


def this_process(now: datetime | None = None) -> Maker:
    """Return this process as the maker of what it is about to make."""
    moment = now or datetime.now(timezone.utc)
    return Maker(
        user=_user(),
        machine=socket.gethostname(),
        pid=os.getpid(),
        since=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        place=_place(),
        started=_started(os.getpid()),
        key=secrets.token_hex(4),
    )


def labels(maker: Maker) -> dict[str, str]:
    """Return the label that tells who made it."""
    return {LABEL: json.dumps(asdict(maker), sort_keys=True)}


def maker_of(found: Mapping[str, str]) -> Maker | None:
    """Return who made what carries these labels; None when they do not say."""
    try:
        return Maker(**json.loads(found.get(LABEL, "")))
    except (ValueError, TypeError):
        return None


def word(maker: Maker) -> str:
    """Return what `condition` needs of it as one word, fit for an image's tag."""
    return ".".join((maker.place, str(maker.pid), maker.started, maker.key))


def maker_of_word(text: str) -> Maker | None:
    """Return the maker of such a word; None when it is none."""
    parts = text.split(".")
    if len(parts) != 4 or not parts[1].isdigit():
        return None
    place, pid, started, key = parts
    return Maker(user="", machine="", pid=int(pid), since="", place=place, started=started, key=key)


def condition(maker: Maker | None) -> Literal["alive", "gone", "unknown"]:
    """Tell whether a maker still runs; of another machine, or of one that is not named, nothing is known."""
    if maker is None or maker.place != _place():
        return "unknown"
    return "alive" if _started(maker.pid) == maker.started else "gone"


def is_this_process(maker: Maker | None) -> bool:
    """Tell whether it is this very process."""
    return maker is not None and maker.pid == os.getpid() and condition(maker) == "alive"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name
        return str(os.getuid())


def _place() -> str:
    """Return what tells two process tables apart: a container has its own, and a new boot begins one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        table = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # no Linux: the machine's name must do
        boot = table = ""
    return hashlib.sha256(f"{socket.gethostname()} {boot} {table}".encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """Return when a process started; empty when there is none, and the same for all where none can tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[_STARTED]
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _answers(pid)


def _answers(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "x"
