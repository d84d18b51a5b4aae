"""What is wrong in a spec, and the one message that lists it all, at 80 columns."""

from __future__ import annotations

import difflib
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from envkit.errors import SpecError
from envkit.spec.source import Place, Source

_COLUMNS = 80
_MOST_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong, where it stands, and what would be right."""

    place: Place
    what: str
    allowed: str = ""
    likely: str = ""
    fix: str = ""


def likely(wrong: str, choices: Iterable[str]) -> str:
    """Return the choice that was probably meant, or nothing."""
    names = {choice.lower(): choice for choice in choices}
    begun = [name for name in names.values() if wrong and name.startswith(wrong.lower())]
    if len(begun) == 1:
        return begun[0]
    found = difflib.get_close_matches(wrong.lower(), list(names), n=1, cutoff=0.6)
    return names[found[0]] if found else ""


def report(problems: Sequence[Problem], sources: Sequence[Source] = ()) -> SpecError:
    """Return the error that lists all problems in the order of the files."""
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: _order(problem, sources))
    if len(ordered) == 1:
        return SpecError(
            _block(ordered[0]), fix=_printable(ordered[0].fix) or "correct that line, and try again"
        )
    files = ", ".join(dict.fromkeys(problem.place.source.name for problem in ordered))
    blocks = [_block(problem, fix=True) for problem in ordered[:_MOST_SHOWN]]
    if len(ordered) > _MOST_SHOWN:
        blocks.append(f"… and {len(ordered) - _MOST_SHOWN} more")
    count = _printable(f"{len(ordered)} mistakes in {files}")
    return SpecError("\n\n".join([count, *blocks]) + "\n", fix=f"correct these {count}; nothing was done yet")


def _order(problem: Problem, sources: Sequence[Source]) -> tuple[int, int, int]:
    names = [source.name for source in sources]
    name = problem.place.source.name
    rank = names.index(name) if name in names else len(names)
    return rank, problem.place.line, problem.place.column


def _block(problem: Problem, *, fix: bool = False) -> str:
    lines = [*_wrapped(f"{problem.place}: {problem.what}", ""), *_excerpt(problem.place)]
    if problem.allowed:
        lines += _wrapped(f"allowed: {problem.allowed}", "      ")
    if problem.likely:
        lines += _wrapped(f"did you mean '{problem.likely}'?", "      ")
    if fix and problem.fix:
        lines += _wrapped(f"fix: {problem.fix}", "      ")
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        _printable(text),
        _COLUMNS - len("error: "),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _excerpt(place: Place) -> list[str]:
    """Return the offending line with a caret under what is meant, cut to the width of a terminal."""
    if place.line > len(place.source.lines):
        return []
    number = f"{place.line:>5} | "
    room = _COLUMNS - len(number)
    line = _printable(place.source.lines[place.line - 1])
    start = max(0, min(place.column - 1 - room // 2, len(line) - room)) if len(line) > room else 0
    visible = line[start : start + room]
    at = min(place.column - 1 - start, len(visible))
    marked = visible[at : at + place.width]
    caret = " " * _columns(visible[:at]) + "^" * max(1, _columns(marked))
    return [(number + visible).rstrip(), " " * 5 + " | " + caret]


def _printable(line: str) -> str:
    return "".join(" " if letter == "\t" else letter if letter.isprintable() else "�" for letter in line)


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_letter_columns(letter) for letter in text)


def _letter_columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
