"""Follow a run: its output as it comes, from the host's folder, until its evidence says how it ended.

Whoever follows may leave at any moment: nothing of the run depends on it. A cut line is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from envkit.environment.site import Site
from envkit.errors import EngineError, EnvkitError, HostError, UsageError
from envkit.hosts.base import PART_BYTES
from envkit.run import listing
from envkit.run.folder import AttemptFolder, End
from envkit.run.going import Going, is_active, last_number, record
from envkit.run.log_file import read_on, settled
from envkit.run.stop import is_alive, stop

Write = Callable[[bytes], None]
Report = Callable[[str], None]

_FIRST_S = 0.01  # between looks before the first word: a look here takes 0.1 ms
_PAUSES_S = (0.05, 0.1, 0.2, 0.4)  # between looks at a silent log; over SSH each is a round trip
_EAGER_S = 2.0  # so long a script takes to say its first word: it is not waited for in long pauses
_LOOK_S = 1.0  # between looks at the container, which the engine answers in some milliseconds
_ASK_S = 10.0  # between questions to the supervisor in an environment: each is an exec
_SETTLE_S = 3.0  # for an end that is being written while its container ends
_BACK_S = 60.0  # for a container that the engine starts again: it waits up to 51 s between its tries
_PATIENCE_S = 900.0  # for a line that is cut
_RETRY_S = (0.5, 1.0, 2.0, 5.0)
_TOLD_S = 10.0  # between two words on how long is left


_RETRIED = ("failed", "killed", "lost")


def never() -> int:
    """Count no interruption."""
    return 0


def quiet(text: str) -> None:
    """Report to nobody."""


def unnoticed() -> None:
    """Note nothing."""


class Left(EnvkitError):
    """Whoever followed has left, and the run goes on."""

    exit_code = 130


@dataclass(frozen=True, kw_only=True)
class Ears:
    """Who follows: where output and words go, and how often they pressed Ctrl-C."""

    write: Write
    report: Report = quiet
    presses: Callable[[], int] = never
    grace_s: float = 120.0
    rank: int | None = None  # only what this process prints
    heard: Callable[[], None] = unnoticed  # called whenever its machine has answered
    began: Callable[[], None] = unnoticed  # called when another attempt has begun
    is_main: bool = True  # another node's part: what is one news of all nodes is told by the first


def follow(site: Site, run: Going, write: Write, *, offset: int = 0) -> End:
    """Hand over what it prints, from an offset of the last attempt's log on; return how it ended."""
    return follow_with(site, run, Ears(write=write), offset=offset)


def follow_with(site: Site, run: Going, ears: Ears, *, offset: int = 0) -> End:
    """Do the same, and let whoever follows interrupt it."""
    following = _Following(site=site, run=run, ears=ears, offset=offset)
    while True:
        try:
            end = following.step()
            following.is_well()
        except (HostError, EngineError) as error:
            following.failed(error)
            continue
        if end is not None:
            return end


def shown_log(attempt: AttemptFolder, processes: int, rank: int | None) -> PurePosixPath:
    """Return the log that is read: of all processes, or of one."""
    return attempt.shown_log(processes) if rank is None else attempt.log(rank)


@dataclass
class _Following:
    site: Site
    run: Going
    ears: Ears
    offset: int
    number: int = 0
    silent: int = 0
    waits: bool = True  # for the first word
    looked: float = field(default_factory=time.monotonic)  # it was just started, or found
    asked: float = field(default_factory=time.monotonic)
    began: float = field(default_factory=time.monotonic)
    over_since: float | None = None
    handled: int = 0
    stopping_since: float | None = None
    told: float = 0.0
    failures: int = 0
    failing_since: float = 0.0

    def step(self) -> End | None:
        """Look once; return the end when all is said."""
        self._interrupted()
        if not self.number:
            self.number = last_number(self.site.host, self.run)
        if self._read():
            self.silent, self.waits = 0, False
            return None
        attempt = self.run.folder.attempt(self.number)
        end = record(self.site.host, End, attempt.end)
        if end is not None:
            self._read(is_last=True)  # what came between the last look and the end
            if not self._goes_on(end):
                return end
        elif self._has_vanished() and (lost := self._lost()):
            return lost
        is_eager = self.waits and not self.silent
        time.sleep(_FIRST_S if is_eager else _PAUSES_S[min(self.silent, len(_PAUSES_S) - 1)])
        if time.monotonic() - self.began > _EAGER_S:
            self.silent += 1
        return None

    def _read(self, *, is_last: bool = False) -> bool:
        """Hand over what is new."""
        log = shown_log(self.run.folder.attempt(self.number), self.run.nproc, self.ears.rank)
        if is_last:
            self.offset = settled(self.site.host, log, self.offset)
        any_came = False
        while found := read_on(self.site.host, log, self.offset):
            part, following = found
            if following == self.offset:
                break
            self.ears.write(part)
            any_came, come = True, following - self.offset
            self.offset = following
            if come < PART_BYTES:
                break
        return any_came

    def _goes_on(self, end: End) -> bool:
        """Tell whether another attempt follows this end, and turn to it."""
        last = last_number(self.site.host, self.run)
        if last > self.number:
            if self.ears.is_main:
                self.ears.report(f"attempt {self.number}: {end.sentence or end.state}; attempt {last} begins")
            self.number, self.offset = last, 0
            self.ears.began()
            return True
        if self.run.survives and (end.state, end.cause) == ("stopped", "outside"):
            return not self._has_vanished()  # an engine that went down asks so, and starts it again
        # Between two attempts nothing tells that another comes, but that the supervisor is still there.
        return self.run.retries > 0 and end.state in _RETRIED and self._is_there(time.monotonic())

    def _has_vanished(self) -> bool:
        """Tell whether nothing is left that could write an end, and has not been for a while."""
        now = time.monotonic()
        if now - self.looked < _LOOK_S:
            return False
        self.looked = now
        if self._is_there(now):
            self.over_since = None
            return False
        self.over_since = self.over_since or now
        return now - self.over_since > (_BACK_S if self.run.survives else _SETTLE_S)

    def _is_there(self, now: float) -> bool:
        facts = self.site.engine.containers.inspect(self.run.container) if self.run.container else None
        if facts is None or not is_active(facts):
            return False
        if not self.run.environment or facts.state != "running":
            return True
        if self.over_since is None and now - self.asked < _ASK_S:
            return True
        self.asked = now
        return is_alive(self.site, self.run)

    def _lost(self) -> End | None:
        """Return what the engine says of a run that left no end; None when it goes on after all."""
        try:
            found = listing.find(self.site, str(self.run.folder.path))
        except UsageError:
            return End(state="lost", cause="engine-lost", sentence="its folder and its container are gone")
        return found.end if found.is_over else None

    def _interrupted(self) -> None:
        """Pass Ctrl-C on: once to finish, twice to end; a third leaves."""
        while self.handled < self.ears.presses():
            self.handled += 1
            if self.handled == 1:
                self.stopping_since = self.told = time.monotonic()
                self.ears.report(
                    f"asking it to finish: it has {self.ears.grace_s:g} s; Ctrl-C again ends it at once"
                )
                stop(self.site, self.run)
            elif self.handled == 2:
                self.ears.report("ending it")
                stop(self.site, self.run, now=True)
            else:
                raise Left(f"left run {self.run.name}, which is being ended", fix="`envkit runs` shows it")
        self._count_down()

    def _count_down(self) -> None:
        now = time.monotonic()
        if self.stopping_since is None or self.handled > 1 or now - self.told < _TOLD_S:
            return
        self.told = now
        left = self.ears.grace_s - (now - self.stopping_since)
        if left > 0:
            self.ears.report(f"it finishes: {left:.0f} s left")

    def failed(self, error: HostError | EngineError) -> None:
        """Wait before the next try; raise where none has helped for long."""
        now = time.monotonic()
        if self.ears.presses() > self.handled or (self.handled and self.failures > 1):
            raise Left(
                f"left run {self.run.name}: {error.what}", fix="it goes on; `envkit attach` follows it"
            )
        if not self.failures:
            self.failing_since = now
            self.ears.report(f"{error.what}: the run goes on, waiting for the line")
        elif now - self.failing_since > _PATIENCE_S:
            raise error
        time.sleep(_RETRY_S[min(self.failures, len(_RETRY_S) - 1)])
        self.failures += 1

    def is_well(self) -> None:
        """Note that it was reached."""
        self.ears.heard()
        if self.failures:
            self.ears.report("the line is back")
            self.failures = 0
