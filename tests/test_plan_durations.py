"""Durations as a user writes them, and as they are read."""

from __future__ import annotations

import pytest

from envkit.errors import UsageError
from envkit.plan.durations import about, idle_stop_s, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("45s", 45), ("90m", 5400), ("90 min", 5400), ("2h", 7200), ("1.5H", 5400), ("1d", 86_400)],
)
def test_a_duration_is_a_number_and_its_unit(text: str, expected: float) -> None:
    assert seconds(text, option="--for") == expected


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2h30m", "2 weeks", "1.25h", "٣h x", "1e3s"])
def test_what_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="not a duration") as caught:
        seconds(text, option="--for")
    assert caught.value.fix == "write it as in --for 2h or --for 90m"


def test_an_idle_stop_is_off_or_at_least_a_minute() -> None:
    assert (idle_stop_s("off"), idle_stop_s("1m")) == (0, 60)
    with pytest.raises(UsageError, match="at least a minute"):
        idle_stop_s("59s")


def test_durations_are_told_to_the_minute() -> None:
    told = [about(s) for s in (0, 45.4, 60, 119, 814, 7200, 7380, 86_400, 100_800, -1)]
    assert told == [
        "0 s", "45 s", "1 min", "2 min", "14 min", "2 h", "2 h 03 min", "1 d", "1 d 04 h", "0 s",
    ]  # fmt: skip
