"""A strict reader of YAML: text stays what was written, and whatever could surprise is refused by limits.

Refused before any work: what is not UTF-8, more than a mebibyte, more than 10,000 values, more than 20
levels, tags, anchors, aliases, merge keys, keys given twice, and a second document. Built from PyYAML's
events, so that a hostile file costs neither recursion nor memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from envkit.errors import SpecError
from envkit.spec.problems import Problem, report
from envkit.spec.source import Entries, Entry, Items, Node, Place, Scalar, Source
from envkit.spec.text import shown
from envkit.spec.yaml_words import explain, slip

# A spec that a person writes has a few hundred lines; these leave room and bound the work.
MOST_BYTES = 1024 * 1024
MOST_VALUES = 10_000
MOST_LEVELS = 20

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOMS = {b"\xff\xfe": "UTF-16 or UTF-32", b"\xfe\xff": "UTF-16", b"\xef\xbb\xbf": "a byte order mark"}


class Mark(Protocol):
    """A position as PyYAML counts it: from 0."""

    @property
    def line(self) -> int:
        """Return the line."""

    @property
    def column(self) -> int:
        """Return the column."""


def read(name: str, data: bytes) -> Entries:
    """Return the mapping that a file holds, or raise a `SpecError` with all that is wrong in it."""
    source, text = _decoded(name, data)
    unreadable = _UNREADABLE.search(text)
    if unreadable:
        letter = f"U+{ord(unreadable[0]):04X}"
        _fail(
            _place_at(source, text, unreadable.start()),
            f"the character {letter} cannot stand in a spec",
            "remove it",
        )
    builder = _Builder(source)
    for event in _events(source, text):
        builder.take(event)
    if builder.problems:
        raise report(builder.problems)
    return _mapping(source, builder.root)


def _decoded(name: str, data: bytes) -> tuple[Source, str]:
    start = Place(Source(name, ()), 1, 1)
    if len(data) > MOST_BYTES:
        _fail(
            start,
            f"the file is larger than {MOST_BYTES} bytes",
            "a spec is a short text; is this the right file?",
        )
    for mark, what in _BOMS.items():
        if data.startswith(mark):
            _fail(start, f"the file begins with {what}", "save it as plain UTF-8, without a byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        source = Source.of(name, data.decode("utf-8", errors="replace"))
        what = f"the file is not UTF-8 (byte 0x{data[error.start]:02x})"
        raise _error(_place_at(source, before, len(before)), what, "save it as UTF-8") from error
    return Source.of(name, text), text


def _events(source: Source, text: str) -> Iterator[yaml.Event]:
    loader = yaml.SafeLoader(text)
    try:
        while loader.check_event():
            event: yaml.Event = loader.get_event()  # type: ignore[no-untyped-call]  # the stubs forgot it
            yield event
    except yaml.MarkedYAMLError as error:
        raise report([explain(source, error)]) from error
    # PyYAML hands an escape's number to chr() and a directive's version to int() as it finds them.
    except (ValueError, OverflowError) as error:
        place = Place(source, loader.line + 1, loader.column + 1)
        raise _error(place, "this escape names no character", "use single quotes") from error
    finally:
        loader.dispose()


def _mapping(source: Source, root: Node | None) -> Entries:
    if isinstance(root, Entries):
        return root
    mistyped = slip(source, root.place.line - 1) if isinstance(root, Scalar) else None
    if mistyped:
        raise report([mistyped])
    place = root.place if root else Place(source, 1, 1)
    nothing = root is None or (isinstance(root, Scalar) and root.plain and not root.text)
    what = "the file is empty" if nothing else "the file holds no mapping"
    raise _error(
        place, what, "write `key: value` lines, `name: my-env` first; `envkit presets` lists examples"
    )


@dataclass
class _Open:
    """A mapping or a list whose end has not come yet."""

    place: Place
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Scalar | None = None


@dataclass
class _Builder:
    """Turns events into a tree, noting what is refused on the way."""

    source: Source
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    values: int = 0

    def take(self, event: yaml.Event) -> None:
        """Add one event to the tree."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._document(event)
        elif isinstance(event, yaml.AliasEvent):
            self._count(event)
            self._refuse(event, f"an alias (`*{event.anchor}`) is not read", "write the value again")
            self._add(Scalar(self._at(event), "", False))
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(self.open.pop())

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        if self.root is not None:
            raise _error(self._at(event), "a second document begins here", "one file holds one spec")
        if event.version or event.tags:
            self._refuse(event, "directives (`%…`) are not read", "leave the line out")

    def _node(self, event: yaml.NodeEvent) -> None:
        self._count(event)
        if event.anchor is not None:
            self._refuse(
                event, f"an anchor (`&{event.anchor}`) is not read", "write the value where it is needed"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            tag = tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(event, f"a tag (`{tag}`) is not read", "leave it out; put text in quotes")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif len(self.open) >= MOST_LEVELS:
            raise _error(
                self._at(event), f"this is nested more than {MOST_LEVELS} levels deep", "make it flatter"
            )
        else:
            self.open.append(_Open(self._at(event), isinstance(event, yaml.MappingStartEvent)))

    def _count(self, event: yaml.NodeEvent) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            what = f"the file has more than {MOST_VALUES} values"
            raise _error(self._at(event), what, "is this the right file?")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if _SURROGATE.search(event.value):
            self._refuse(event, "half of a surrogate pair is no character", "write the character itself")
        self._add(Scalar(self._at(event), event.value, bool(event.implicit[0])))

    def _close(self, done: _Open) -> None:
        if done.is_mapping:
            self._add(Entries(done.place, tuple(done.entries.values())))
        else:
            self._add(Items(done.place, tuple(done.items)))

    def _add(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._key(parent, node)
        else:
            parent.entries.setdefault(parent.key.text, Entry(parent.key, node))
            parent.key = None

    def _key(self, parent: _Open, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            self._note(node.place, "a key must be text", "write `key: value`")
            return Scalar(node.place, "", False)
        first = parent.entries.get(node.text)
        if first:
            line = first.key.place.line
            what = f"the key {shown(node.text)} stands here a second time; the first is in line {line}"
            self._note(node.place, what, "keep one of the two")
        if node.plain and node.text == "<<":
            self._note(node.place, "a merge key (`<<`) is not read", "use `extends`, or write the keys again")
        elif node.plain and not node.text:
            self._note(node.place, "a key is missing before this `:`", "write `key: value`")
        return node

    def _refuse(self, event: yaml.Event, what: str, fix: str) -> None:
        self._note(self._at(event), what, fix)

    def _note(self, place: Place, what: str, fix: str) -> None:
        self.problems.append(Problem(place=place, what=what, fix=fix))

    def _at(self, event: yaml.Event) -> Place:
        return _place(self.source, event.start_mark, event.end_mark)


def _place(source: Source, start: Mark | None, end: Mark | None = None) -> Place:
    if start is None:
        return Place(source, 1, 1)
    width = end.column - start.column if end is not None and end.line == start.line else 1
    return Place(source, start.line + 1, start.column + 1, max(1, width))


def _place_at(source: Source, text: str, index: int) -> Place:
    before = Source.of("", text[:index]).lines
    return Place(source, len(before), len(before[-1]) + 1)


def _error(place: Place, what: str, fix: str) -> SpecError:
    return report([Problem(place=place, what=what, fix=fix)])


def _fail(place: Place, what: str, fix: str) -> None:
    raise _error(place, what, fix)
