"""Sizes of memory as a user writes them."""

from __future__ import annotations

import re

from envkit.errors import UsageError

# The units of `docker run --memory`: powers of 1024, in either case, with or without `b` or `ib`.
_SIZE = re.compile(r"(\d{1,6})(?:\.(\d))?\s*([mgt])(?:i?b)?", re.IGNORECASE)
_MIB = {"m": 1, "g": 1024, "t": 1024 * 1024}


def mib(text: str, *, option: str) -> int:
    """Return a size in MiB: `512m`, `8g`, `1.5GiB`."""
    found = _SIZE.fullmatch(text.strip())
    size = int((int(found[1]) + int(found[2] or 0) / 10) * _MIB[found[3].lower()]) if found else 0
    if size < 1:
        raise UsageError(f"{option} {text}: not a size", fix=f"write it as in {option} 512m or {option} 8g")
    return size


def log_bytes(text: str, *, option: str) -> int | None:
    """Return how much is kept of a log; None: all of it."""
    return None if text.strip().lower() == "none" else mib(text, option=option) << 20
