"""Versions of what runs containers that have a known hole. Pure, but for its table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from envkit import compat
from envkit.doctor.finding import Check, Finding

_NUMBER = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-~](rc|beta|alpha)\.?(\d+))?")
# What is read in `docker info` is not what the distribution mended.
_MENDED = "update it, unless your distribution has mended it under this number (its security tracker tells)"

Number = tuple[int, int, int, int, int]


def judge_versions(versions: Mapping[str, str], has: Mapping[str, bool]) -> tuple[Finding, ...]:
    """Return a line for each part whose version is known: its holes, or that none is known."""
    lines = (_judge(part, text, has) for part, text in versions.items() if number(text))
    return tuple(line for line in lines if line is not None)


def number(text: str) -> Number | None:
    """Return a version as a number that can be compared: a candidate comes before its release."""
    found = _NUMBER.match(text)
    if not found:
        return None
    major, minor, patch, candidate, which = found.groups()
    return int(major), int(minor), int(patch or 0), 0 if candidate else 1, int(which or 0)


def _judge(part: str, text: str, has: Mapping[str, bool]) -> Finding | None:
    known = [row for row in _rows() if row["part"] == part]
    if not known:
        return None
    check = Check(name=part, domain="accelerator" if part.startswith("nvidia") else "engine")
    holes = list(_holes(known, text, has))
    if not holes:
        return check.ok(f"{text}: no hole is known")
    what = "; ".join(f"{row['what']} ({row['id']})" for row in holes)
    return check.warn(f"hole.{part}", f"{text}: {what}", _MENDED)


def _holes(rows: list[dict[str, Any]], text: str, has: Mapping[str, bool]) -> Iterator[dict[str, Any]]:
    this = number(text)
    for row in rows:
        if "only_with" in row and not has.get(row["only_with"]):
            continue
        if this and any(_between(this, *bounds) for bounds in row["affected"]):
            yield row


def _between(this: Number, begin: str, end: str) -> bool:
    first, last = number(begin), number(end)
    return (first is None or this >= first) and (last is None or this < last)


def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = compat.table("host/holes")["rows"]
    return rows
