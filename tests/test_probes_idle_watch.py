"""The watcher, on a clock of its own: when it speaks, when it ends an environment, and when it does not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from envkit.probes.idle_judge import Settings, Signal
from envkit.probes.idle_look import Before
from envkit.probes.idle_watch import Watcher, settings_of

QUIET = Signal(name="kernels", value="none")
BUSY = Signal(name="kernels", value="1 of 1 busy", active=True)
FAILED = Signal(name="kernels", value="cannot be told: refused", failed=True)


class Ended(Exception):
    """The environment has ended, or the night is over."""


@dataclass
class Night:
    """An environment for some hours; `at` says what a look finds at a time."""

    at: Callable[[float], Signal]
    idle_after_s: float | None = 7200.0
    keep_until: float = 0.0
    now: float = 0.0
    said: list[tuple[int, str]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    ended: tuple[int, str] | None = None

    def watch(self, until_s: float = 12 * 3600) -> Night:
        def sleep(seconds: float) -> None:
            self.now += seconds
            if self.now > until_s:
                raise Ended

        def end(why: str) -> None:
            self.ended = (round(self.now / 60), why)
            raise Ended

        watcher = Watcher(
            settings=Settings(idle_after_s=self.idle_after_s),
            end=end,
            say=lambda text: self.said.append((round(self.now / 60), text)),
            look=lambda before, now: ((self.at(self.now),), Before()),
            clock=lambda: self.now,
            kept_s=lambda: max(0.0, self.keep_until - self.now),
            report=self.reports.append,
        )
        with contextlib.suppress(Ended):
            watcher.run(sleep)
        return self


def test_nobody_there_it_speaks_twice_and_ends_after_two_hours() -> None:
    night = Night(at=lambda now: QUIET).watch()
    assert night.ended == (120, "idle for 2 h 00 min")
    assert [minute for minute, _ in night.said] == [105, 119]
    assert night.said[0][1] == "nobody uses this environment: it stops in 15 min (press a key to stay)"


def test_use_in_the_last_minutes_takes_the_announcement_back() -> None:
    night = Night(at=lambda now: BUSY if 110 * 60 < now < 112 * 60 else QUIET).watch(200 * 60)
    assert night.ended is None
    assert [text for _, text in night.said][1] == (
        "this environment does not stop for now (kernels: 1 of 1 busy)"
    )


def test_use_between_the_last_look_and_the_one_after_saves_it() -> None:
    night = Night(at=lambda now: QUIET)
    night.at = lambda now: BUSY if any(report["state"] == "stop" for report in night.reports) else QUIET
    assert night.watch(130 * 60).ended is None


def test_a_probe_that_fails_keeps_it() -> None:
    night = Night(at=lambda now: FAILED).watch()
    assert (night.ended, night.said) == (None, [])
    assert night.reports[-1]["why"] == "kernels: cannot be told: refused"


def test_a_kept_one_lives_as_long_as_it_is_kept() -> None:
    night = Night(at=lambda now: QUIET, keep_until=8 * 3600).watch()
    assert night.ended == (480, "idle for 8 h 00 min")
    assert night.said[0][0] == 465
    assert {report["state"] for report in night.reports[120:460]} == {"kept"}


def test_without_an_idle_time_it_only_looks() -> None:
    night = Night(at=lambda now: QUIET, idle_after_s=None).watch()
    assert (night.ended, night.said) == (None, [])


def test_the_container_says_when_it_stops() -> None:
    assert settings_of({"ENVKIT_IDLE_STOP_S": "7200"}) == Settings(idle_after_s=7200.0)
    assert settings_of({}) == Settings()
