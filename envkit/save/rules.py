"""What does not belong into an image: the rules of compat/secrets.json. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from envkit import compat

PLACED = "REMOVED-BY-ENVKIT"  # what stands where a secret was


@dataclass(frozen=True, kw_only=True)
class Always:
    """What is never saved."""

    id: str
    name: str
    paths: re.Pattern[str]
    folders: bool  # whether its folders go too


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A text that is a secret wherever it stands."""

    id: str
    name: str
    keywords: tuple[str, ...]
    text: re.Pattern[str]


@cache
def always() -> tuple[Always, ...]:
    """Return what is never saved, and why."""
    return tuple(
        Always(
            id=row["id"],
            name=row["name"],
            paths=re.compile(_any_of(row["match"]), re.DOTALL),
            folders=row.get("folders", True),
        )
        for row in compat.table("secrets")["always"]
    )


def never_saved(path: str, *, is_folder: bool = False) -> Always | None:
    """Return why a path is never saved; None: it may be. A deletion there is a change like any other."""
    return next(
        (one for one in always() if (one.folders or not is_folder) and one.paths.fullmatch(path)), None
    )


@cache
def patterns() -> tuple[Pattern, ...]:
    """Return the texts that are secrets."""
    return tuple(
        Pattern(
            id=row["id"],
            name=row["name"],
            keywords=tuple(row["keywords"]),
            text=re.compile(row["pattern"]),
        )
        for row in compat.table("secrets")["patterns"]
    )


@cache
def login_in_url() -> re.Pattern[str]:
    """Return the pattern of a login in an address."""
    rows = compat.table("secrets")["inside"]
    return re.compile(next(row["pattern"] for row in rows if row["id"] == "login-in-url"))


def is_placeholder(text: str) -> bool:
    """Tell an example from a secret."""
    table = compat.table("secrets")["placeholder"]
    return re.search(table["pattern"], text) is not None or len(set(text)) < table["distinct"]


@cache
def program_rules() -> dict[str, Any]:
    """Return the rules as the probes take them (scan_rules.py): every path a regular expression."""
    table = compat.table("secrets")
    return {
        "paths": [_row(row) for row in table["paths"]],
        "inside": [_row(row) for row in table["inside"]],
        "patterns": [_row(row) for row in table["patterns"]],
        "always": [
            {"match": _any_of(row["match"]), "folders": row.get("folders", True)} for row in table["always"]
        ],
        "quiet": _any_of(table["quiet"]["match"]),
        "tests": _any_of(table["tests"]["match"]),
        "placeholder": {key: table["placeholder"][key] for key in ("pattern", "distinct")},
        "placed": PLACED,
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: row[key] for key in row if key not in ("match", "except", "source")}
    paths = {key: _any_of(row[key]) for key in ("match", "except") if key in row}
    return kept | paths


def _any_of(globs: list[str]) -> str:
    return "|".join(f"(?:{as_regex(glob)})" for glob in globs)


def as_regex(glob: str) -> str:
    """Return a regular expression for a whole path: `**` any folders, `*` part of a name, `{a,b}` either."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\{|\}|,|\[[^]]*\])", glob)
    depth = 0
    out = []
    for part in parts:
        if part in _MEANS:
            out.append(_MEANS[part])
        elif part in ("{", "}"):
            depth += 1 if part == "{" else -1
            out.append("(?:" if part == "{" else ")")
        elif part == ",":
            out.append("|" if depth else ",")
        else:
            out.append(part if part.startswith("[") else re.escape(part))
    return "".join(out)


_MEANS = {"**/": "(?:.*/)?", "**": ".+", "*": "[^/]*", "?": "[^/]"}
