"""Failure texts of torch, of both card makers' stacks, of systems and of builds: causes and fixes. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from envkit import paths

_TABLES = ("ascend", "nvidia", "torch", "general")
BUILD = "build"  # what only the log of a build shows
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_LOOKED_AT = 3  # places of one pattern: every rank prints the same
_LONGEST_LINE = 2000  # of what is searched: progress bars and dumped tensors are one line each


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A row of the tables."""

    id: str
    patterns: tuple[re.Pattern[str], ...]  # any of them, within a line
    needs: re.Pattern[str] | None  # anywhere in the text
    unless: re.Pattern[str] | None  # nowhere in the text
    rank: int  # 1: a cause; 2: a general one; 3: what wraps another; 4: a harmless note
    cause: str
    fix: str
    source: str
    samples: tuple[str, ...]
    covers: tuple[str, ...] = ()  # rows of the facts


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A row that a text shows, and the line that shows it."""

    failure: Failure
    line: str
    number: int  # of the line, from 1

    @property
    def is_harmless(self) -> bool:
        """Tell whether it explains no failure, but only what looks like one."""
        return self.failure.rank > 3


def explain(text: str) -> tuple[Explanation, ...]:
    """Return what the text shows: causes before what they led to, and the earlier line first.

    Of two rows for one line the more special one counts.
    """
    lines = [_CONTROL.sub("", line[:_LONGEST_LINE]) for line in text.splitlines()]
    whole = "\n".join(lines)
    found = [shown for failure in failures() if (shown := _shown(failure, whole, lines)) is not None]
    found.sort(key=lambda one: (one.failure.rank, one.number))
    best: dict[int, int] = {}  # line → the rank of what explains it best
    for one in found:
        best.setdefault(one.number, one.failure.rank)
    return tuple(one for one in found if one.failure.rank == best[one.number])


def explain_error(error: BaseException) -> tuple[Explanation, ...]:
    """Return what an exception shows, with all that it came from."""
    words: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        words.append(f"{type(link).__name__}: {link}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return explain("\n".join(reversed(words)))


def likely(text: str) -> Failure | None:
    """Return the row that explains the text best, if it tells of a failure at all."""
    return next((one.failure for one in explain(text) if not one.is_harmless), None)


def of_build(text: str) -> Failure | None:
    """Return the first row that a build's log shows: what its tools print, else what programs print."""
    lines = [_CONTROL.sub("", line[:_LONGEST_LINE]) for line in text.splitlines()]
    whole = "\n".join(lines)
    own = (failure for failure in failures(BUILD) if _shown(failure, whole, lines))
    return next(own, None) or likely(text)


@cache
def failures(*names: str) -> tuple[Failure, ...]:
    """Return the rows of these tables, in their order: of two that show in one line the first is better.

    Without names: of all that programs print in a container or on a machine.
    """
    folder = paths.compat() / "failures"
    tables = (json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names or _TABLES)
    return tuple(_failure(row) for table in tables for row in table["rows"])


def _failure(row: dict[str, Any]) -> Failure:
    return Failure(
        id=row["id"],
        patterns=tuple(re.compile(pattern) for pattern in row["match"]),
        needs=re.compile(row["needs"]) if "needs" in row else None,
        unless=re.compile(row["unless"]) if "unless" in row else None,
        rank=row["rank"],
        cause=row["cause"],
        fix=row["fix"],
        source=row["source"],
        samples=(row["sample"], *row.get("also", ())),
        covers=tuple(row.get("covers", ())),
    )


def _shown(failure: Failure, whole: str, lines: list[str]) -> Explanation | None:
    if failure.needs and not failure.needs.search(whole):
        return None
    if failure.unless and failure.unless.search(whole):
        return None
    found = sorted(
        whole.count("\n", 0, match.start())
        for pattern in failure.patterns
        for match in islice(pattern.finditer(whole), _LOOKED_AT)
    )
    if not found:
        return None
    # A traceback quotes the line of code before it says the text itself.
    number = next((number for number in found if not lines[number].startswith("    ")), found[0])
    return Explanation(failure=failure, line=lines[number].strip(), number=number + 1)
