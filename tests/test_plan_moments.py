"""Moments as a person writes them."""

from __future__ import annotations

import pytest

from envkit.errors import UsageError
from envkit.plan.moments import moment_ns

SECOND = 1_000_000_000
NOW = 1_000_000 * SECOND


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("90s", NOW - 90 * SECOND),
        ("10m", NOW - 600 * SECOND),
        ("1.5h", NOW - 5_400 * SECOND),
        ("2d", NOW - 172_800 * SECOND),
        ("9999d", 0),
        ("1970-01-02T00:00:00Z", 86_400 * SECOND),
        ("1970-01-02T01:00:00.5+01:00", 86_400 * SECOND + SECOND // 2),
    ],
)
def test_a_moment_is_so_long_ago_or_a_date(text: str, ns: int) -> None:
    assert moment_ns(text, NOW, option="--since") == ns


@pytest.mark.parametrize("text", ["", "yesterday", "10", "m", "10m ", "-5m", "2026-13-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        moment_ns(text, NOW, option="--since")
    assert caught.value.what == f"--since {text!r} is no moment"
