"""Durations as a user writes them, and as a person reads them."""

from __future__ import annotations

import re

from envkit.errors import UsageError

_DURATION = re.compile(r"(\d{1,6})(?:\.(\d))?\s*(s|m|min|h|d)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
# Below a minute a reload of the page, or a slow answer, would end an environment under somebody's hands.
_SHORTEST_IDLE_S = 60.0
_LONG = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def seconds(text: str, *, option: str) -> float:
    """Return a duration in seconds: `45s`, `90m`, `2h`, `1.5h`, `1d`."""
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise UsageError(
            f"{option} {text}: not a duration", fix=f"write it as in {option} 2h or {option} 90m"
        )
    return (int(found[1]) + int(found[2] or 0) / 10) * _SECONDS[found[3].lower()]


def idle_stop_s(text: str) -> float:
    """Return what --idle-stop asks for in seconds; `off` is 0."""
    if text == "off":
        return 0.0
    asked = seconds(text, option="--idle-stop")
    if asked < _SHORTEST_IDLE_S:
        raise UsageError(f"--idle-stop {text}: at least a minute", fix="a usual time is --idle-stop 2h")
    return asked


def about(duration_s: float) -> str:
    """Return a duration to the minute, for what is not exact: `45 s`, `14 min`, `2 h 03 min`, `2 h`."""
    whole = max(0, round(duration_s))
    whole = whole if whole < 60 else round(whole / 60) * 60
    for size, unit, part, smaller in _LONG:
        if whole >= size:
            rest = 0 if smaller == "s" else whole % size // part
            return f"{whole // size} {unit}" + (f" {rest:02} {smaller}" if rest else "")
    return f"{whole} s"
