"""Decide whether an environment is idle: signals and times in, a verdict out. It asks no clock and no disk.

Time here is *watched* time: seconds during which somebody looked. A clock that is set, a laptop that
slept, a container that was paused add nothing to it, so none of them can end an environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

State = Literal["active", "kept", "quiet", "idle", "stop"]

_LONGEST_NOTICE_S = 900.0  # who is at lunch comes back; who reads the line has the time to save
_LONGEST_PAUSE_S = 60.0  # code-server itself beats once a minute (heart.ts)
_SHORTEST_PAUSE_S = 1.0
_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 0, ""), (1, "s", 0, ""))


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What one look found of one kind of use."""

    name: str
    value: str  # as a person reads it; why it cannot be told, when `failed`
    active: bool = False  # something goes on at this moment
    mark: str = ""  # another one than at the last look: something has happened in between
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    """When an environment stops; None: it never does so by itself."""

    idle_after_s: float | None = None

    @property
    def notice_s(self) -> float:
        """Return how long before its end it says so."""
        return min(_LONGEST_NOTICE_S, (self.idle_after_s or 0.0) / 2)

    @property
    def pause_s(self) -> float:
        """Return how long to wait between two looks."""
        longest = _LONGEST_PAUSE_S if self.idle_after_s is None else self.idle_after_s / 20
        return min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, longest))

    @property
    def longest_step_s(self) -> float:
        """Return how much of the time between two looks counts: a look itself may take its time."""
        return 2 * self.pause_s + 5


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of a signal: its last mark, and since when (watched time) it has been quiet."""

    mark: str
    quiet_since: float


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What the looks so far have left."""

    at: float  # the monotonic clock at the last look
    watched: float = 0.0
    seen: Mapping[str, Seen] = field(default_factory=dict)
    announced: float | None = None  # since when (watched time) the end is announced


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What follows from the looks so far."""

    state: State
    why: str
    quiet_s: float
    stops_in_s: float | None = None  # if nothing happens; None: it does not


def remember(memory: Memory, signals: Iterable[Signal], now: float, settings: Settings) -> Memory:
    """Return the memory with one more look in it; what cannot be told counts as use."""
    watched = memory.watched + min(max(now - memory.at, 0.0), settings.longest_step_s)
    seen = {}
    for signal in signals:
        before = memory.seen.get(signal.name)
        used = signal.active or signal.failed or before is None or before.mark != signal.mark
        seen[signal.name] = Seen(
            mark=signal.mark, quiet_since=watched if used or before is None else before.quiet_since
        )
    return replace(memory, at=now, watched=watched, seen=seen)


def unmarked(memory: Memory, signals: Iterable[Signal]) -> Memory:
    """Return the memory with the marks of these signals, and nothing taken for use because of them."""
    marks = {signal.name: signal.mark for signal in signals}
    seen = {name: replace(one, mark=marks.get(name, one.mark)) for name, one in memory.seen.items()}
    return replace(memory, seen=seen)


def announced(memory: Memory, settings: Settings, keep_s: float) -> Memory:
    """Return the memory with the announcement begun, or taken back."""
    if settings.idle_after_s is None or not memory.seen:
        return replace(memory, announced=None)
    near = _left(memory, settings.idle_after_s, keep_s) <= settings.notice_s
    since = memory.watched if memory.announced is None else memory.announced
    return replace(memory, announced=since if near else None)


def judge(memory: Memory, signals: Iterable[Signal], settings: Settings, keep_s: float) -> Verdict:
    """Say what the memory of these last signals means; `keep_s`: how long it is still to be kept."""
    busy = [signal for signal in signals if signal.active or signal.failed]
    quiet = _quiet(memory)
    left = None
    if settings.idle_after_s is not None and memory.seen:
        left = _left(memory, settings.idle_after_s, keep_s)
        if memory.announced is not None:
            left = max(left, settings.notice_s - (memory.watched - memory.announced))
    if busy:
        why = "; ".join(f"{signal.name}: {signal.value}" for signal in busy)
        return Verdict(state="active", why=why, quiet_s=quiet, stops_in_s=left)
    if keep_s > 0 and settings.idle_after_s is not None and memory.announced is None:
        return Verdict(state="kept", why=f"kept for {words(keep_s)} more", quiet_s=quiet, stops_in_s=left)
    if left is None or memory.announced is None:
        return Verdict(state="quiet", why=f"quiet for {words(quiet)}", quiet_s=quiet, stops_in_s=left)
    if left > 0:
        why = f"idle for {words(quiet)}, stops in {words(left)}"
        return Verdict(state="idle", why=why, quiet_s=quiet, stops_in_s=left)
    return Verdict(state="stop", why=f"idle for {words(quiet)}", quiet_s=quiet, stops_in_s=0.0)


def words(seconds: float) -> str:
    """Return a duration as a person reads it: `45 s`, `14 min`, `2 h 03 min`, `1 d 04 h`."""
    whole = max(0, round(seconds))
    for size, unit, part, smaller in _UNITS:
        if whole >= size:
            rest = f" {whole % size // part:02} {smaller}" if part else ""
            return f"{whole // size} {unit}{rest}"
    return "0 s"


def _quiet(memory: Memory) -> float:
    return memory.watched - max((seen.quiet_since for seen in memory.seen.values()), default=memory.watched)


def _left(memory: Memory, idle_after_s: float, keep_s: float) -> float:
    return max(idle_after_s - _quiet(memory), keep_s)
