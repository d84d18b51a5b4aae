"""Run supervisord: it looks at once, keeps a dying service's last words, and its exit code says why it ends.

supervisord's own main loop waits a second before it first looks at its programs.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from supervisor import events, supervisord

from . import idle_report as left
from .supervise_lines import Lines

_LINES = 20
_SECRET = re.compile(r"((?:token|password)[=:]\s*)\S+", re.IGNORECASE)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_LONGEST = 200
_TROUBLE = re.compile(r"error|invalid|corrupt|\bfault|fatal|abort", re.IGNORECASE)
_CLOCK = re.compile(r"\[[\d:. -]*\]")  # a line of code-server's that holds nothing but the time
# As the engine calls an end by SIGTERM. With --idle-stop the engine starts again what did not end with 0. It
# ends us with SIGTERM when it restarts, and we must come back; idle, or after `envkit stop`, we must not.
_TOLD_TO_END = 143


class Prompt(supervisord.Supervisor):  # type: ignore[misc]  # its base has no types
    """Starts its programs before it begins to wait for events."""

    def runforever(self) -> None:
        """Start what is to be started, then run as ever."""
        listen(LastWords(), Lines())
        for group in sorted(self.process_groups.values()):
            group.transition()
        super().runforever()


class LastWords:
    """What each service printed last; written down when it dies, for envkit-status."""

    def __init__(self, folder: Path = left.RUNTIME) -> None:
        self._folder = folder
        self._lines: dict[str, deque[str]] = {}

    def heard(self, event: Any) -> None:
        """Keep the last lines of a service."""
        lines = self._lines.setdefault(event.process.config.name, deque(maxlen=_LINES))
        data = event.data if isinstance(event.data, str) else event.data.decode("utf-8", "replace")
        for line in data.splitlines():
            plain = _SECRET.sub(r"\1***", _CONTROL.sub("", line)).strip()
            if plain and not _CLOCK.fullmatch(plain):
                lines.append(plain[:_LONGEST])

    def started(self, event: Any) -> None:
        """Forget what was said in an earlier life."""
        self._lines.pop(event.process.config.name, None)

    def died(self, event: Any) -> None:
        """Write down what it said: the last line that speaks of trouble, else the last line."""
        name = event.process.config.name
        lines = self._lines.get(name) or [""]
        telling = [line for line in lines if _TROUBLE.search(line)] or [lines[-1]]
        with suppress(OSError):  # a full disk must not end process 1
            (self._folder / f"{name}.last-words").write_text(telling[-1], "utf-8")


def end_the_rest(event: Any) -> None:
    """End what a service that died left of itself: code-server's own child would take the socket with it.

    It goes on for a moment, and as it ends it removes the socket by name: the new code-server's. supervisord
    starts each service in a process group of its own; kernels and terminals have sessions of theirs.
    """
    if event.process.pid:
        with suppress(ProcessLookupError, PermissionError):  # nothing is left
            os.killpg(event.process.pid, signal.SIGKILL)


def listen(words: LastWords, lines: Lines) -> None:
    """Hear what the services print, when they start and when they die."""
    events.subscribe(events.ProcessLogEvent, words.heard)
    events.subscribe(events.ProcessLogEvent, lines.heard)
    events.subscribe(events.ProcessStateStartingEvent, words.started)
    for kind in (events.ProcessStateExitedEvent, events.ProcessStateBackoffEvent):
        events.subscribe(kind, words.died)
        events.subscribe(kind, end_the_rest)
    for kind in (
        events.ProcessStateExitedEvent,
        events.ProcessStateBackoffEvent,
        events.ProcessStateStoppedEvent,
    ):
        events.subscribe(kind, lines.ended)


def main() -> None:
    """Run until the end; with an idle time asked for, the exit code tells whether it was meant to end."""
    idle = bool(os.environ.get("ENVKIT_IDLE_STOP_S"))
    os.environ["ENVKIT_IDLE_WATCH"] = "true" if idle else "false"
    left.begin()
    supervisord.Supervisor = Prompt
    supervisord.main()
    sys.exit(_TOLD_TO_END if idle and not left.meant_to_end() else 0)
