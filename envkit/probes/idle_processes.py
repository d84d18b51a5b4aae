"""What the container's processes do: who burns CPU, what runs in its terminals. Read from /proc."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .idle_judge import Signal

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Of one core, between two looks: an idle kernel, language server or tmux stays below (the preset's ipykernel
# used 0.01 % over two minutes, 2026-11-26), whatever loads, computes or copies lies above.
BUSY_SHARE = 0.02
_FEWEST_TICKS = 3  # between two looks a second apart, one tick alone would be 1 %
_OURS = "/opt/envkit/"
# What waits at a prompt, or only hands on what its child says. A script is found by what it starts.
_SHELLS = re.compile(r"-?(sh|bash|dash|zsh|fish|ksh|csh|tcsh|su|sudo|login|script|screen|tmux.*)")
_MOST_NAMES = 3


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process, as /proc tells it."""

    pid: int
    name: str
    words: tuple[str, ...]
    terminal: int  # its tty_nr; 0: none
    started: int
    ticks: int  # its own and those of its children that ended

    @property
    def ours(self) -> bool:
        """Tell whether it is one of the image's own services, which say themselves what they do."""
        return any(word.startswith(_OURS) for word in self.words[:2]) and not self.shell

    @property
    def shell(self) -> bool:
        """Tell whether it is a shell, or what holds one; one that runs our own program is none."""
        programs = self.words[1:2] and self.words[1].startswith(_OURS)
        return bool(_SHELLS.fullmatch(self.name)) and not programs


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """How much CPU the processes had used at a moment (of the monotonic clock)."""

    at: float
    ticks: Mapping[tuple[int, int], int]  # (pid, started) → ticks


def processes(root: Path = Path("/proc")) -> tuple[Process, ...]:
    """Return all living processes; one that ends while it is looked at is left out."""
    return tuple(_all(root))


def terminals(found: tuple[Process, ...], inputs: Mapping[str, int]) -> Signal:
    """Judge the terminals: what runs in them; `inputs` tells when each was last typed into."""
    running = [p for p in found if p.terminal and not p.ours and not p.shell]
    mark = " ".join(f"{name}={at}" for name, at in sorted(inputs.items()))
    if running:
        return Signal(name="terminals", value=f"{_names(running)} runs", active=True, mark=mark)
    value = f"{len(inputs)} open, nothing runs in them" if inputs else "none"
    return Signal(name="terminals", value=value, mark=mark)


def typed(root: Path = Path("/dev/pts")) -> dict[str, int]:
    """Return when each terminal was last read from: a key was pressed (the kernel rounds to 8 s)."""
    found = {}
    for path in root.glob("[0-9]*"):
        try:
            found[path.name] = int(path.stat().st_atime)
        except OSError:
            continue  # it has just been closed
    return found


def cpu(found: tuple[Process, ...], before: Cpu | None, now: float) -> tuple[Signal, Cpu]:
    """Judge the CPU that processes have used since the look before; the services do not count."""
    counted = [process for process in found if not process.ours]
    after = Cpu(at=now, ticks={(p.pid, p.started): p.ticks for p in counted})
    if before is None or now <= before.at:
        return Signal(name="cpu", value="first look"), after
    used = {p: p.ticks - before.ticks.get((p.pid, p.started), 0) for p in counted}
    enough = max(_FEWEST_TICKS, BUSY_SHARE * (now - before.at) * TICKS_PER_S)
    busy = sorted((p for p in used if used[p] >= enough), key=lambda p: -used[p])
    most = max(used.values(), default=0) / TICKS_PER_S / (now - before.at)
    if busy:
        return Signal(name="cpu", value=f"{_names(busy)} computes ({most:.0%} of a core)", active=True), after
    return Signal(name="cpu", value=f"at most {most:.1%} of a core (counts from {BUSY_SHARE:.0%})"), after


def _all(root: Path) -> Iterator[Process]:
    for folder in root.glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text("utf-8", "replace")
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        fields = rest.split()
        if fields[0] in "ZX" or not command:
            continue  # dead, or a thread of the kernel
        yield Process(
            pid=int(folder.name),
            name=name,
            words=tuple(word.decode("utf-8", "replace") for word in command.split(b"\0")[:4]),
            terminal=int(fields[4]),
            started=int(fields[19]),
            ticks=sum(map(int, fields[11:15])),
        )


def _names(found: list[Process]) -> str:
    names = [f"{' '.join(word for word in p.words if word)[:40]} (pid {p.pid})" for p in found[:_MOST_NAMES]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
