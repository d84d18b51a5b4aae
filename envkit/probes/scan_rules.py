"""Hold paths and texts against the rules (compat/secrets.json, as envkit/save/rules.py hands them over)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

HEAD_BYTES = 1 << 16  # of a file, for rules that ask what is in it


class Hit(NamedTuple):
    """What was found in one file."""

    rule: str
    line: int | None = None
    span: tuple[int, int] | None = None  # in the file's own bytes, where it can be cut out
    instead: bytes = b""
    inside: str = ""  # the file within an archive


class Rules:
    """The rules, ready for use."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._paths = [_PathRule(row) for row in table["paths"]]
        self._inside = [_TextRule(row, table["placed"]) for row in table["inside"]]
        self._patterns = [_TextRule(row, table["placed"]) for row in table["patterns"]]
        self._always = [(re.compile(row["match"], re.DOTALL), row["folders"]) for row in table["always"]]
        self._quiet = re.compile(table["quiet"], re.DOTALL)
        self._tests = re.compile(table["tests"], re.DOTALL)
        self._example = re.compile(table["placeholder"]["pattern"].encode())
        self.placed: bytes = table["placed"].encode()
        self._distinct = table["placeholder"]["distinct"]
        self._known: tuple[str, bool, bool] = ("", False, False)

    def is_never_saved(self, path: str) -> bool:
        """Tell whether a file is left out of every image anyway."""
        return any(one.fullmatch(path) for one, _ in self._always)

    def is_quiet(self, path: str) -> bool:
        """Tell whether a place holds what packages brought."""
        return self._place(path)[1]

    def by_path(self, path: str, head: bytes) -> Iterator[Hit]:
        """Yield what a file is by its name."""
        if self.is_quiet(path):
            return
        for rule in self._paths:
            if rule.fits(path) and rule.holds(head):
                yield Hit(rule.name)

    def by_text(self, path: str, text: bytes, *, loose: bool) -> Iterator[Hit]:
        """Yield the secrets in a text; `loose`: also those that are secrets in any file."""
        _, quiet, tests = self._place(path)
        for rule in self._inside:
            if rule.match is not None and rule.match.fullmatch(path) and rule.is_near(text):
                yield from self._hits(rule, text)
        if quiet or not loose:
            return
        for rule in self._patterns:
            if (rule.tests or not tests) and rule.is_near(text):
                yield from self._hits(rule, text)

    def _hits(self, rule: _TextRule, text: bytes) -> Iterator[Hit]:
        for match in rule.pattern.finditer(text):
            name = next((name for name in ("secret", "secret2") if match.groupdict().get(name)), None)
            if name is None or self._is_example(match.group(name)):
                continue
            line = text.count(b"\n", 0, match.start(name)) + 1
            yield Hit(rule.name, line, match.span(name), rule.instead)

    def _is_example(self, secret: bytes) -> bool:
        # A login in an address, or a password, may be short; what has a form of its own is not.
        few = len(secret) >= 2 * self._distinct and len(set(secret)) < self._distinct
        return few or self._example.search(secret) is not None

    def _place(self, path: str) -> tuple[str, bool, bool]:
        folder = os.path.dirname(path)
        if folder != self._known[0]:
            quiet = self._quiet.fullmatch(folder + "/x") is not None
            self._known = (folder, quiet, self._tests.fullmatch(folder + "/x") is not None)
        folder, quiet, tests = self._known
        return folder, quiet, tests or self._tests.fullmatch(path) is not None


class _PathRule:
    def __init__(self, row: dict[str, Any]) -> None:
        self.name = row["name"]
        self._match = re.compile(row["match"], re.DOTALL)
        self._except = re.compile(row["except"], re.DOTALL) if "except" in row else None
        self._needs = re.compile(row["needs"].encode()) if "needs" in row else None

    def fits(self, path: str) -> bool:
        if not self._match.fullmatch(path):
            return False
        return self._except is None or not self._except.fullmatch(path)

    def holds(self, head: bytes) -> bool:
        """Tell whether there is something in it: an empty file is nobody's secret."""
        return bool(head) if self._needs is None else self._needs.search(head) is not None


class _TextRule:
    def __init__(self, row: dict[str, Any], placed: str) -> None:
        self.name = row["name"]
        self.match = re.compile(row["match"], re.DOTALL) if "match" in row else None
        self.pattern = re.compile(row["pattern"].encode())
        self.instead = row.get("instead", placed).encode()
        self.tests = row.get("tests", True)
        self._keywords = [word.encode() for word in row["keywords"]]

    def is_near(self, text: bytes) -> bool:
        return any(word in text for word in self._keywords)


def cut(text: bytes, hits: list[Hit]) -> bytes:
    """Return the text without what was found in it."""
    out = []
    at = 0
    for hit in sorted(hits, key=lambda hit: hit.span or (0, 0)):
        start, end = hit.span or (0, 0)
        if start >= at:
            out += [text[at:start], hit.instead]
        at = max(at, end)
    return b"".join([*out, text[at:]])
