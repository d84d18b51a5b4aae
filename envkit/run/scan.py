"""Say what in a script cannot be carried over to an accelerator, before it runs. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Any

from envkit import compat
from envkit.errors import RunError
from envkit.run.scan_facts import Fact, facts, imports

Read = Callable[[PurePath], str | None]
_MOST_FILES = 200  # of a project: what a training imports of its own is some dozens


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place of a script that runs otherwise on this accelerator, or not at all."""

    file: str
    line: int
    column: int
    id: str
    fails: bool  # surely: nothing around it lets the script get by
    effect: str
    advice: str
    source: str

    @property
    def place(self) -> str:
        """Return where it is, as editors take it."""
        return f"{self.file}:{self.line}:{self.column}"


def scan(read: Read, script: PurePath, accelerator: str) -> tuple[Finding, ...]:
    """Return what the script and the modules beside it hold: sure failures first; one of a kind per line.

    `read` returns a file's text, None when there is none. RunError: a file is not Python.
    """
    trees = _trees(read, script)
    asks = any(re.search(r"\bis_available\b", ast.dump(tree)) for tree in trees.values())
    found: dict[tuple[str, int, str], Finding] = {}
    for file, tree in trees.items():
        name = str(file.relative_to(script.parent)) if file.is_relative_to(script.parent) else str(file)
        for fact in facts(tree):
            for row in _rows(accelerator):
                if row.matches(fact):
                    spared = (row.unless_asked and asks) or (row.unless_own and file == script)
                    sure = row.fails and not fact.guarded and not spared
                    found.setdefault((name, fact.line, row.id), row.finding(name, fact, fails=sure))
    order = {str(file): number for number, file in enumerate(trees)}
    return tuple(
        sorted(found.values(), key=lambda one: (not one.fails, order.get(one.file, 0), one.file, one.line))
    )


def _trees(read: Read, script: PurePath) -> dict[PurePath, ast.Module]:
    """Parse the script and every module that lies beside it and that it may import."""
    trees: dict[PurePath, ast.Module] = {}
    waiting = [script]
    while waiting and len(trees) < _MOST_FILES:
        file = waiting.pop(0)
        text = None if file in trees else read(file)
        if text is None:
            continue
        trees[file] = _parse(file, text)
        for level, module in imports(trees[file]):
            waiting += _candidates(file, script.parent, level, module)
    return trees


def _candidates(file: PurePath, root: PurePath, level: int, module: str) -> Iterator[PurePath]:
    folder = root
    if level:
        folder = file.parent
        for _ in range(level - 1):
            folder = folder.parent
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        path = folder.joinpath(*parts[:length])
        yield path.with_name(path.name + ".py")
        yield path / "__init__.py"


def _parse(file: PurePath, text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        place = f"{file}:{getattr(error, 'lineno', None) or 1}:{getattr(error, 'offset', None) or 1}"
        raise RunError(
            f"{place}: {getattr(error, 'msg', error)}", fix="mend it: Python cannot read the file"
        ) from error


@dataclass(frozen=True, kw_only=True)
class _Row:
    id: str
    kind: str
    pattern: re.Pattern[str]
    fails: bool
    unless_asked: bool  # a script that asks is_available() anywhere may know what it does
    unless_own: bool  # the run's shim sees to such a line of the script itself
    effect: str
    advice: str
    source: str

    def matches(self, fact: Fact) -> bool:
        return fact.kind == self.kind and self.pattern.fullmatch(fact.text) is not None

    def finding(self, file: str, fact: Fact, *, fails: bool) -> Finding:
        return Finding(
            file=file, line=fact.line, column=fact.column, id=self.id, fails=fails,
            effect=self.effect, advice=self.advice, source=self.source,
        )  # fmt: skip


@cache
def _rows(accelerator: str) -> tuple[_Row, ...]:
    rows: list[dict[str, Any]] = compat.table("carry_over")["rows"]
    return tuple(
        _Row(
            id=row["id"],
            kind=row["kind"],
            pattern=re.compile(row["pattern"]),
            fails=row["fails"],
            unless_asked=row.get("unless_asked", False),
            unless_own=row.get("unless_own", False),
            effect=row["effect"],
            advice=row["advice"],
            source=row["source"],
        )
        for row in rows
        if accelerator in row["on"]
    )
