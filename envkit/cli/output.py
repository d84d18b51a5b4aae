"""The one place that prints: results on stdout, all else on stderr."""

from __future__ import annotations

import dataclasses
import json
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from envkit.cli import elsewhere

_VALUE = 26  # columns: with names of 12 and 80 in all, half of the line is left for a reason
_LONG = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def show(text: str) -> None:
    """Print a result."""
    click.echo(text)


def note(text: str) -> None:
    """Print what is no result: progress, a hint, a warning."""
    click.echo(elsewhere.told(text), err=True)


def show_json(value: object) -> None:
    """Print a result as JSON; dataclasses, mappings, tuples and paths are understood."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def show_table(headers: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[str] = ()) -> None:
    """Print rows in columns as wide as they need; with `headers` empty, without a first line.

    A row's note, where it has one, stands in the line below it.
    """
    lines = [[str(cell) for cell in row] for row in ([headers] if headers else []) + list(rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    below = [*([""] if headers else []), *(notes or [""] * len(rows))]
    for line, note in zip(lines, below, strict=True):
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
        if note:
            click.echo(note)


def below(*texts: str) -> str:
    """Return what stands below a table's row: each text wrapped, and set in."""
    width = shutil.get_terminal_size().columns - 2
    lines = (line for text in texts for line in textwrap.wrap(text, width, break_on_hyphens=False))
    return "\n".join(f"  {line}" for line in lines)


def show_reasons(rows: Sequence[tuple[str, str, str]]) -> None:
    """Print what, which and why: the why is wrapped, and starts below a which that is long."""
    first = max(len(row[0]) for row in rows) + 2
    second = first + min(_VALUE, max(len(row[1]) for row in rows) + 2)
    width = max(shutil.get_terminal_size().columns, second + _VALUE)
    for name, value, reason in rows:
        start = f"{name:{first}}{value}"
        wrapped = textwrap.wrap(reason, width - second, break_on_hyphens=False) or [""]
        if len(start) + 2 > second:
            click.echo(start)
            start = ""
        for line in wrapped:
            click.echo(f"{start:{second}}{line}".rstrip())
            start = ""


def show_checks(rows: Sequence[tuple[str, str, str]], fixes: Sequence[str]) -> None:
    """Print outcome, check and what was found, wrapped; a fix stands below what it mends."""
    name = max(len(row[1]) for row in rows) + 2
    start = max(len(row[0]) for row in rows) + 2
    width = max(shutil.get_terminal_size().columns, start + name + _VALUE) - start - name
    for (outcome, check, what), fix in zip(rows, fixes, strict=True):
        lines = textwrap.wrap(what, width, break_on_hyphens=False) or [""]
        if fix:
            lines += textwrap.wrap(f"fix: {elsewhere.told(fix)}", width, break_on_hyphens=False)
        click.echo(f"{outcome:{start}}{check:{name}}{lines[0]}")
        for line in lines[1:]:
            click.echo(f"{'':{start + name}}{line}")


def failure(what: str, fix: str, columns: int | None) -> str:
    """Return an error with its fix: broken between words on a terminal, in a log (None) each in one line."""
    text = f"error: {what}\n  fix: {fix}"
    return text if columns is None else "\n".join(_broken(line, columns) for line in text.splitlines())


def _broken(line: str, columns: int) -> str:
    """Return a line in lines that fit; what is quoted of a log stays as it is."""
    if len(line) <= columns or line.startswith("    "):
        return line
    indent = " " * len("error: ")
    return textwrap.fill(
        line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def plain(value: object) -> Any:
    """Return the value as what JSON knows: dictionaries, lists, texts, numbers, booleans and None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def human_bytes(size: float) -> str:
    """Return a size as a person reads it: `812 B`, `1.7 GB` (powers of 1000, as `docker images` counts)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def human_seconds(seconds: float) -> str:
    """Return a duration as a person reads it: `0.4 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, part, smaller in _LONG:
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part:02} {smaller}"
    return f"{whole} s"


def change_row(name: str, before: str | None, after: str | None) -> tuple[str, str, str]:
    """Return the row of something that differs; None: it is not there."""
    if before is None:
        return "  +", name, after or ""
    if after is None:
        return "  -", name, before
    return "  ~", name, f"{before} -> {after}"
