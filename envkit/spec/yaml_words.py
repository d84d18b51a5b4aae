"""PyYAML's complaints in plain English."""

from __future__ import annotations

import re

import yaml

from envkit.spec.problems import Problem
from envkit.spec.source import Place, Source

_KEY = "write `key: value`"

# Each: what PyYAML says, and what to say instead: what is wrong, and the fix.
_TABLE: tuple[tuple[str, str, str], ...] = (
    (r"found character '\\t' that cannot start any token", "a tab cannot indent", "use spaces"),
    (
        r"found character '(.)' that cannot start any token",
        "a value cannot begin with `{0}`",
        "put the value in quotes",
    ),
    (r"found unexpected end of stream", "a quote that opens here is never closed", "close the quote"),
    (r"found unexpected document separator", "a quote that opens here is never closed", "close the quote"),
    (
        r"found unknown escape character '(.*)'",
        "`\\{0}` is no escape in double quotes",
        "use single quotes, in which `\\` is an ordinary character",
    ),
    (r"expected escape sequence of .*", "the escape here has too few digits", "use single quotes"),
    (
        r"expected ',' or '\]', but got .*",
        "the list that opens with `[` goes wrong here",
        "close it with `]`; `,` stands between its entries",
    ),
    (
        r"expected ',' or '}', but got .*",
        "the mapping that opens with `{{` goes wrong here",
        "close it with `}}`; `,` stands between its entries",
    ),
    (
        r"expected <block end>, but found .*",
        "the indentation does not fit the lines above",
        "give the keys of one mapping the same indentation",
    ),
    (
        r"(sequence|block sequence) entries are not allowed here",
        "a list entry (`- `) cannot stand here",
        "put it on a line of its own",
    ),
    (
        r"expected '<document start>', but found .*",
        "the file goes on after its end",
        "one file holds one mapping: `key: value` lines",
    ),
    (r"expected the node content, but found .*", "a value is missing here", "write a value"),
    (r"found incompatible YAML document.*", "this version of YAML is not read", "leave the `%YAML` line out"),
    (r"found undefined tag handle.*", "tags (`!…`) are not read", "leave the tag out"),
)

_ANYTHING_ELSE = "this is not YAML: {0}"


# Complaints that are noticed late: the writer must look at where it began.
_LOOK_AT_START = ("found unexpected end of stream", "found unexpected document separator")
_NO_COLON = "could not find expected ':'"
_COLON = "mapping values are not allowed here"

# Slips of the finger and of the keyboard, which YAML takes for text. What is wrong stands in the group.
_SLIPS = (
    (r"\s*(?:- )?[\w.-]+\s*(\uff1a)", "this is a full-width colon", "write `: `"),
    (r"\s*(?:- )?[\w.-]+:([\u00a0\u3000])", "this is no ordinary space", "write a space with the space bar"),
    (r"\s*(?:- )?[A-Za-z_][\w-]*(:)[^\s:/]", "a space is missing after this `:`", "write `key: value`"),
    (r"\s*(-)[^\s-]", "a space is missing after this `-`", "write `- value`"),
)


def explain(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    """Return PyYAML's error as a problem that points where its writer must look."""
    problem = error.problem or ""
    mark, start = error.problem_mark, error.context_mark
    if problem == _COLON and mark is not None:
        return _colon(source, mark)
    if problem == _NO_COLON and start is not None:
        return slip(source, start.line) or _no_colon(source, start.line)
    if start is not None and (mark is None or _began_earlier(problem, start, mark)):
        mark = start
    what, fix = _plain_words(problem)
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    return Problem(place=Place(source, line + 1, column + 1), what=what, fix=fix)


def _began_earlier(problem: str, start: yaml.Mark, mark: yaml.Mark) -> bool:
    return problem in _LOOK_AT_START or (problem.startswith("expected ','") and mark.line > start.line)


def slip(source: Source, line: int) -> Problem | None:
    """Return what was probably mistyped in a line that YAML takes for text; lines count from 0 here."""
    for pattern, what, fix in _SLIPS:
        found = re.match(pattern, source.lines[line]) if line < len(source.lines) else None
        if found:
            return Problem(place=Place(source, line + 1, found.start(1) + 1), what=what, fix=fix)
    return None


def _no_colon(source: Source, line: int) -> Problem:
    text = source.lines[line]
    place = Place(source, line + 1, len(text) - len(text.lstrip()) + 1, len(_content(text)))
    return Problem(place=place, what="a `:` is missing in this line", fix=_KEY)


def _colon(source: Source, mark: yaml.Mark) -> Problem:
    """Explain a `:` too many: a slip or a wrong indentation in the lines above, or missing quotes."""
    line = source.lines[mark.line][: mark.column]
    above = next((n for n in range(mark.line - 1, -1, -1) if _content(source.lines[n])), None)
    if above is not None and ":" not in line:
        text = source.lines[above]
        if ": " not in _content(text) and not _content(text).endswith(":"):
            return slip(source, above) or _no_colon(source, above)
        column = len(text) - len(text.lstrip()) + 1
        indent = len(line) - len(line.lstrip()) + 1
        if indent > column:
            what = f"this line is indented further than line {above + 1}, which already has its value"
            fix = f"begin it in column {column}, or put a value of several lines in quotes"
            return Problem(place=Place(source, mark.line + 1, indent, len(line.strip())), what=what, fix=fix)
    what, fix = "a second `: ` stands in this line", "put the whole value in quotes: `key: 'a: b'`"
    return Problem(place=Place(source, mark.line + 1, mark.column + 1), what=what, fix=fix)


def _content(line: str) -> str:
    return "" if line.lstrip().startswith("#") else line.partition(" #")[0].strip()


def _plain_words(problem: str) -> tuple[str, str]:
    for pattern, what, fix in _TABLE:
        found = re.fullmatch(pattern, problem, re.DOTALL)
        if found:
            groups = [repr(group)[1:-1] for group in found.groups()]
            return what.format(*groups), fix.format(*groups)
    return _ANYTHING_ELSE.format(problem), "see `envkit presets` for examples that work"
