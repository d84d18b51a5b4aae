"""Watch an environment from inside, and end it when nobody has used it for the time that was asked for."""

from __future__ import annotations

import os
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import idle_report as left
from .idle_judge import Memory, Settings, Signal, Verdict, announced, judge, remember, unmarked, words
from .idle_look import Before, look
from .status import UnixTransport

_SETTLE_S = 1.0  # between the look that says stop and the one that must say so again
_LAST_CALL_S = 60.0

Look = Callable[[Before, float], tuple[tuple[Signal, ...], Before]]


@dataclass(kw_only=True)
class Watcher:
    """One who looks again and again; `end` ends the environment, `say` speaks in its terminals."""

    settings: Settings
    end: Callable[[str], None]
    say: Callable[[str], None]
    look: Look = look
    clock: Callable[[], float] = time.monotonic
    kept_s: Callable[[], float] = left.kept_s
    report: Callable[[dict[str, Any]], None] = left.write_report

    def __post_init__(self) -> None:
        """Begin: nothing has been seen yet."""
        self._before = Before()
        self._memory = Memory(at=self.clock())
        self._said: float | None = None

    def once(self) -> Verdict:
        """Look once, say what is to be said, and return the verdict."""
        signals, self._before = self.look(self._before, self.clock())
        keep_s = self.kept_s()
        memory = remember(self._memory, signals, self.clock(), self.settings)
        self._memory = announced(memory, self.settings, keep_s)
        verdict = judge(self._memory, signals, self.settings, keep_s)
        self.report(told(self._memory, signals, verdict, self.settings, keep_s))
        self._announce(verdict)
        return verdict

    def run(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Look until the environment is idle; end it after a second, fresh look says the same."""
        while True:
            spoken = self._said
            verdict = self.once()
            if self._said not in (None, spoken):
                sleep(_SETTLE_S)
                self._overhear()
            if verdict.state == "stop":
                sleep(_SETTLE_S)
                verdict = self.once()
                if verdict.state == "stop":
                    self.end(verdict.why)
            sleep(self._pause_s(verdict))

    def _overhear(self) -> None:
        """Take the marks that our own words left (Jupyter notes what its terminals print) as they are."""
        signals, self._before = self.look(self._before, self.clock())
        self._memory = unmarked(self._memory, signals)

    def _pause_s(self, verdict: Verdict) -> float:
        soon = self.settings.pause_s if verdict.stops_in_s is None else max(1.0, verdict.stops_in_s)
        return min(self.settings.pause_s, soon)

    def _announce(self, verdict: Verdict) -> None:
        """Speak when the end comes near, and once more just before it; say when it is off."""
        if verdict.state != "idle" or verdict.stops_in_s is None:
            if self._said is not None and verdict.state != "stop":
                self.say(f"this environment does not stop for now ({verdict.why})")
                self._said = None
            return
        if self._said is None or (verdict.stops_in_s <= _LAST_CALL_S < self._said):
            self.say(
                f"nobody uses this environment: it stops in {words(verdict.stops_in_s)} (press a key to stay)"
            )
            self._said = verdict.stops_in_s


def told(
    memory: Memory, signals: Iterable[Signal], verdict: Verdict, settings: Settings, keep_s: float
) -> dict[str, Any]:
    """Return one look as others read it."""
    return {
        **asdict(verdict),
        "idle_after_s": settings.idle_after_s,
        "kept_s": keep_s,
        "signals": [
            {**asdict(signal), "quiet_s": memory.watched - memory.seen[signal.name].quiet_since}
            for signal in signals
        ],
    }


def settings_of(environment: dict[str, str]) -> Settings:
    """Return what the container was started with."""
    asked = environment.get("ENVKIT_IDLE_STOP_S", "")
    return Settings(idle_after_s=float(asked) if asked else None)


def say_in_terminals(text: str, folder: Path = Path("/dev/pts")) -> None:
    """Write a line into every terminal that lets us, and into the container's log."""
    print(f"envkit: {text}", file=sys.stderr, flush=True)
    for path in folder.glob("[0-9]*"):
        try:
            terminal = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            continue  # somebody else's, or just closed
        try:
            os.write(terminal, f"\r\n\a[envkit] {text}\r\n".encode())
        except OSError:
            pass  # its reader has stopped reading
        finally:
            os.close(terminal)


def end_environment(why: str) -> None:
    """Leave the reason, then let supervisord end everything, itself last."""
    say_in_terminals(f"{why}: this environment stops now; /work/home is kept")
    left.write_ended(why)
    supervisor: Any = xmlrpc.client.ServerProxy("http://unix", transport=UnixTransport()).supervisor
    supervisor.shutdown()


def main() -> None:
    """Watch until the end."""
    settings = settings_of(dict(os.environ))
    Watcher(settings=settings, end=end_environment, say=say_in_terminals).run()
