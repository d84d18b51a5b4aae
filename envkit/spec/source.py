"""A spec's text as a tree in which every key and value knows where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from envkit.spec.scalars import Plain

Path = tuple[str | int, ...]

# YAML's line breaks, as PyYAML counts them.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Source:
    """A file: its name as a message writes it, and its lines."""

    name: str
    lines: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, name: str, text: str) -> Source:
        """Return the source of a text."""
        return cls(name, tuple(_BREAK.split(text)))


@dataclass(frozen=True)
class Place:
    """Where something stands: line and column count from 1; `width` characters are meant."""

    source: Source
    line: int
    column: int
    width: int = 1

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Scalar:
    """A text; `plain` when it was written without quotes."""

    place: Place
    text: str
    plain: bool


@dataclass(frozen=True)
class Items:
    """A list."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Entry:
    """A key and its value."""

    key: Scalar
    value: Node


@dataclass(frozen=True)
class Entries:
    """A mapping, in the order it was written."""

    place: Place
    entries: tuple[Entry, ...]

    def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return next((entry for entry in self.entries if entry.key.text == key), None)


Node = Scalar | Items | Entries


def value_of(node: Node) -> object:
    """Return the plain Python value of a tree; scalars without quotes are `Plain`."""
    if isinstance(node, Scalar):
        return Plain(node.text) if node.plain else node.text
    if isinstance(node, Items):
        return [value_of(item) for item in node.items]
    return {entry.key.text: value_of(entry.value) for entry in node.entries}


def place_of(node: Node, path: Path, *, key: bool = False) -> Place:
    """Return where a path stands, or the nearest thing above it; with `key`, the key's place.

    A part of the path that the text does not have is passed over: `apt.packages.1` finds the second entry of
    the short form `apt: [a, b]`.
    """
    place = node.place
    for found, key_place in _steps(node, path):
        place = key_place if key else found.place
    return place


def nearest(node: Node, path: Path) -> Node:
    """Return what stands at a path, or the nearest thing above it."""
    for found, _ in _steps(node, path):
        node = found
    return node


def is_written(node: Node, path: Path) -> bool:
    """Say whether a path stands in the text, in its long form or a short one."""
    for part in path:
        step = _step(node, part)
        if step is None and isinstance(node, Entries):
            return False
        node = step[0] if step else node
    return True


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield every value of a tree with its path, in the order it was written."""
    yield path, node
    if isinstance(node, Items):
        for index, item in enumerate(node.items):
            yield from walk(item, (*path, index))
    elif isinstance(node, Entries):
        for entry in node.entries:
            yield from walk(entry.value, (*path, entry.key.text))


def _steps(node: Node, path: Path) -> Iterator[tuple[Node, Place]]:
    for part in path:
        step = _step(node, part)
        if step is not None:
            node = step[0]
            yield step


def _step(node: Node, part: str | int) -> tuple[Node, Place] | None:
    if isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
        return node.items[part], node.items[part].place
    entry = node.get(part) if isinstance(node, Entries) and isinstance(part, str) else None
    return (entry.value, entry.key.place) if entry else None
