"""When an environment is idle: simulated looks, clocks that jump, and any order of events."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.probes.idle_judge import (
    Memory,
    Settings,
    Signal,
    Verdict,
    announced,
    judge,
    remember,
    unmarked,
    words,
)

TWO_HOURS = Settings(idle_after_s=7200)
QUIET = Signal(name="kernels", value="none", mark="m")
BUSY = Signal(name="kernels", value="1 of 1 busy", active=True, mark="m")
FAILED = Signal(name="kernels", value="cannot be told", failed=True)


@dataclass(kw_only=True)
class Life:
    """An environment's looks, one after another, on a clock of their own."""

    settings: Settings = TWO_HOURS
    now: float = 1000.0
    keep_s: float = 0.0
    memory: Memory = field(default_factory=lambda: Memory(at=1000.0))

    def look(self, *signals: Signal, after_s: float = 60.0) -> Verdict:
        self.now += after_s
        memory = remember(self.memory, signals, self.now, self.settings)
        self.memory = announced(memory, self.settings, self.keep_s)
        return judge(self.memory, signals, self.settings, self.keep_s)

    def minutes(self, count: int, *signals: Signal) -> list[Verdict]:
        return [self.look(*signals) for _ in range(count)]


def test_two_quiet_hours_end_it_after_a_quarter_of_an_hour_of_notice() -> None:
    verdicts = Life().minutes(122, QUIET)
    assert [v.state for v in verdicts] == ["quiet"] * 105 + ["idle"] * 15 + ["stop"] * 2
    assert verdicts[105].why == "idle for 1 h 45 min, stops in 15 min"
    assert verdicts[120].why == "idle for 2 h 00 min"


def test_a_busy_kernel_keeps_it_and_two_hours_count_anew() -> None:
    life = Life()
    life.minutes(110, QUIET)
    assert life.look(BUSY).state == "active"
    assert [v.state for v in life.minutes(120, QUIET)][-2:] == ["idle", "stop"]


def test_what_happened_between_two_looks_is_use() -> None:
    life = Life()
    life.minutes(119, QUIET)
    touched = Signal(name="kernels", value="none", mark="another")
    assert life.look(touched).quiet_s == 0


def test_a_probe_that_fails_stops_nothing_and_says_so() -> None:
    verdicts = Life().minutes(600, QUIET, Signal(name="jupyter", value="cannot be told: 500", failed=True))
    assert {v.state for v in verdicts} == {"active"}
    assert verdicts[-1].why == "jupyter: cannot be told: 500"


def test_without_an_idle_time_it_never_stops() -> None:
    verdicts = Life(settings=Settings()).minutes(6000, QUIET)
    assert {(v.state, v.stops_in_s) for v in verdicts} == {("quiet", None)}


def test_keep_postpones_and_its_end_is_announced() -> None:
    life = Life(keep_s=8 * 3600)
    assert {v.state for v in life.minutes(300, QUIET)} == {"kept"}
    life.keep_s = 600
    assert life.look(QUIET).state == "idle"
    life.keep_s = 0
    assert [v.state for v in life.minutes(15, QUIET)] == ["idle"] * 14 + ["stop"]


def test_taking_keep_back_still_gives_notice() -> None:
    life = Life(keep_s=8 * 3600)
    life.minutes(300, QUIET)
    life.keep_s = 0
    assert life.look(QUIET).stops_in_s == 900


def test_a_laptop_that_slept_a_night_is_not_stopped_on_waking() -> None:
    life = Life()
    life.minutes(10, QUIET)
    verdict = life.look(QUIET, after_s=8 * 3600)
    assert (verdict.state, verdict.quiet_s) == ("quiet", 9 * 60 + 125)


def test_a_clock_that_goes_backwards_ends_nothing() -> None:
    life = Life()
    life.minutes(10, QUIET)
    assert life.look(QUIET, after_s=-86_400).quiet_s == 9 * 60
    assert life.look(QUIET).quiet_s == 10 * 60


def test_what_our_own_words_stir_is_no_use() -> None:
    life = Life()
    life.minutes(110, QUIET)
    stirred = Signal(name="kernels", value="none", mark="it printed our line")
    life.memory = unmarked(life.memory, [stirred])
    assert life.look(stirred).quiet_s == 110 * 60


def test_a_signal_that_is_new_is_use_and_one_that_has_gone_is_forgotten() -> None:
    life = Life()
    life.minutes(60, QUIET)
    assert life.look(QUIET, Signal(name="vscode", value="no connection")).quiet_s == 0
    assert life.look(QUIET).quiet_s == 61 * 60


def test_looks_come_once_a_minute_and_oftener_for_short_times() -> None:
    assert [Settings(idle_after_s=s).pause_s for s in (10, 200, 7200, 864_000)] == [1, 10, 60, 60]
    assert [Settings(idle_after_s=s).notice_s for s in (10, 200, 7200)] == [5, 100, 900]


def test_durations_read_as_a_person_says_them() -> None:
    told = [words(seconds) for seconds in (0, 45.2, 60, 840, 7380, 100_800, -5)]
    assert told == ["0 s", "45 s", "1 min", "14 min", "2 h 03 min", "1 d 04 h", "0 s"]


STEP = st.tuples(
    st.sampled_from([QUIET, BUSY, FAILED, Signal(name="kernels", value="none", mark="other")]),
    st.floats(min_value=-1e6, max_value=1e6),  # how the clock moved
    st.floats(min_value=0, max_value=1e5),  # how long it is to be kept
)


@settings(deadline=None)
@given(st.lists(STEP, max_size=80), st.floats(min_value=10, max_value=1e6))
def test_whatever_happens_it_stops_only_after_its_time_and_its_notice(
    steps: list[tuple[Signal, float, float]], idle_after_s: float
) -> None:
    life = Life(settings=Settings(idle_after_s=idle_after_s))
    quiet_looks: list[float] = []
    for signal, after_s, keep_s in steps:
        life.keep_s = keep_s
        before = life.memory
        verdict = life.look(signal, after_s=after_s)
        step = life.memory.watched - before.watched
        used = signal.active or signal.failed or before.seen.get("kernels", None) is None
        used = used or before.seen["kernels"].mark != signal.mark
        quiet_looks = [] if used else [*quiet_looks, step]
        if verdict.state == "stop":
            assert sum(quiet_looks) >= idle_after_s - 1e-3
            assert keep_s == 0
            assert not signal.active and not signal.failed
            assert life.memory.announced is not None
            assert life.memory.watched - life.memory.announced >= life.settings.notice_s - 1e-3
        assert 0 <= step <= life.settings.longest_step_s + 1e-3  # floats


@settings(deadline=None, max_examples=20)
@given(st.floats(min_value=10, max_value=86_400))
def test_an_environment_that_nobody_uses_does_stop(idle_after_s: float) -> None:
    life = Life(settings=Settings(idle_after_s=idle_after_s))
    pause_s = life.settings.pause_s
    looks = int(idle_after_s / pause_s) + 3
    for _ in range(looks):
        verdict = life.look(QUIET, after_s=pause_s)
    assert verdict.state == "stop"
