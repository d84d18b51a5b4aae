"""Moments as a person writes them: `10m` ago, or a date with its time."""

from __future__ import annotations

import re
from datetime import datetime

from envkit.errors import UsageError

_AGO = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NS = 1_000_000_000


def moment_ns(text: str, now_ns: int, *, option: str) -> int:
    """Return the moment in nanoseconds since 1970; a date without a zone is the caller's own time."""
    ago = _AGO.fullmatch(text)
    if ago:
        return max(0, now_ns - int(float(ago[1]) * _SECONDS[ago[2]] * _NS))
    try:
        told = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no moment", fix=f"write {option} 10m, or {option} 2026-05-01T09:30"
        ) from None
    return int(told.timestamp() * 1_000_000) * 1_000
