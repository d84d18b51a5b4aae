"""How a spec and what it `extends` become one tree; every value keeps the place where it was written.

Parents come first, in the order they are named, then the spec itself:

- mappings merge key by key;
- lists append; an entry that names the same package or extension as an earlier one takes its place;
- a scalar replaces what was there, `false` a whole IDE, and `null` takes the key back to its default;
- `name` and `extends` belong to one file and are not inherited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from envkit.spec.scalars import NULLS
from envkit.spec.source import Entries, Entry, Items, Node, Path, Place, Scalar, walk

# The keys that name files, and what each names; `*` is any position in a list.
FILES: dict[tuple[str, ...], str] = {
    ("apt", "files", "*"): "file",
    ("dnf", "files", "*"): "file",
    ("pip", "requirements", "*"): "file",
    ("pip", "wheels"): "folder",
    ("ide", "code_server", "file"): "file",
    ("ide", "code_server", "extensions", "*", "vsix"): "file",
    ("ide", "code_server", "extensions", "*"): "file",
    ("steps", "*", "script"): "file",
    ("steps", "*", "copy"): "file or folder",
    ("template",): "file",
}

_OWN_KEYS = ("name", "extends")
_SHORT_LISTS = ("apt", "dnf", "pip")
_FREE_TEXT = (("env",), ("labels",))


def merged(parent: Entries, child: Entries) -> Entries:
    """Return what a spec and its parent are together."""
    inherited = replace(parent, entries=tuple(e for e in parent.entries if e.key.text not in _OWN_KEYS))
    return _mapping(_long(inherited), _long(child), ())


def without_nulls(node: Entries, path: Path = ()) -> Entries:
    """Return the tree without the keys that are `null`; in `env`, `labels` and settings it is a value."""
    if path in _FREE_TEXT or is_settings(path):
        return node
    entries = [
        replace(entry, value=without_nulls(entry.value, (*path, entry.key.text)))
        if isinstance(entry.value, Entries)
        else entry
        for entry in node.entries
        if not (isinstance(entry.value, Scalar) and entry.value.plain and entry.value.text in NULLS)
    ]
    return replace(node, entries=tuple(entries))


def is_settings(path: Path) -> bool:
    """Say whether a path is inside an IDE's settings, where anything may stand."""
    return len(path) >= 3 and path[0] == "ide" and path[2] == "settings"


def named_files(root: Node) -> Iterator[tuple[Path, Scalar, str]]:
    """Yield every file or folder that a tree names, with what it must be."""
    for path, node in walk(root):
        kind = FILES.get(tuple("*" if isinstance(part, int) else part for part in path))
        bare_id = (
            path[-2:-1] == ("extensions",) and isinstance(node, Scalar) and not node.text.endswith(".vsix")
        )
        if kind and isinstance(node, Scalar) and not bare_id:
            yield path, node, kind


def moved(root: Entries, prefix: str) -> Entries:
    """Return the tree with the files it names prefixed, so that they are relative to another folder."""
    places = {node.place for _, node, _ in named_files(root)}
    entries = tuple(replace(entry, value=_moved(entry.value, places, prefix)) for entry in root.entries)
    return replace(root, entries=entries)


def _moved(node: Node, places: set[Place], prefix: str) -> Node:
    if isinstance(node, Scalar):
        is_inside = node.place in places and not node.text.startswith(("/", "~"))
        return replace(node, text=f"{prefix}/{node.text}") if is_inside else node
    if isinstance(node, Items):
        return replace(node, items=tuple(_moved(item, places, prefix) for item in node.items))
    entries = tuple(replace(entry, value=_moved(entry.value, places, prefix)) for entry in node.entries)
    return replace(node, entries=entries)


def _long(root: Entries) -> Entries:
    return replace(root, entries=tuple(_long_entry(entry) for entry in root.entries))


def _long_entry(entry: Entry) -> Entry:
    value = entry.value
    if entry.key.text not in _SHORT_LISTS or isinstance(value, Entries):
        return entry
    if isinstance(value, Scalar) and (not value.text or (value.plain and value.text in NULLS)):
        return entry
    listed = value if isinstance(value, Items) else Items(value.place, (value,))
    key = Scalar(value.place, "packages", False)
    return replace(entry, value=Entries(value.place, (Entry(key, listed),)))


def _node(parent: Node, child: Node, path: Path) -> Node:
    if isinstance(parent, Entries) and isinstance(child, Entries):
        return child if is_settings(path) and not parent.entries else _mapping(parent, child, path)
    if isinstance(parent, Items) and isinstance(child, Items):
        return _list(parent, child, path)
    if isinstance(parent, Entries) and isinstance(child, Scalar) and child.text.lower() == "true":
        return parent
    return child


def _mapping(parent: Entries, child: Entries, path: Path) -> Entries:
    entries = {entry.key.text: entry for entry in parent.entries}
    for entry in child.entries:
        key = entry.key.text
        before = entries.get(key)
        value = _node(before.value, entry.value, (*path, key)) if before else entry.value
        entries[key] = replace(entry, value=value)
    return Entries(child.place, tuple(entries.values()))


def _list(parent: Items, child: Items, path: Path) -> Items:
    items: dict[object, Node] = {}
    for item in (*parent.items, *child.items):
        items[_identity(item, path)] = item
    return Items(child.place, tuple(items.values()))


def _identity(item: Node, path: Path) -> object:
    """Return what makes two entries of a list the same thing."""
    if isinstance(item, Entries):
        named = next((entry.value for entry in item.entries if entry.key.text in ("id", "vsix")), None)
        is_extension = path[-1:] == ("extensions",) and isinstance(named, Scalar)
        return _identity(named, path) if is_extension and named else _shape(item)
    if isinstance(item, Items):
        return _shape(item)
    if path == ("apt", "packages"):
        return item.text.partition("=")[0]
    if path == ("pip", "packages"):
        return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", item.text, maxsplit=1)[0]).lower()
    if path[-1:] == ("extensions",):
        return item.text.lower().partition("@")[0]
    return item.text


def _shape(node: Node) -> object:
    if isinstance(node, Scalar):
        return (node.text, node.plain)
    if isinstance(node, Items):
        return tuple(_shape(item) for item in node.items)
    return tuple((entry.key.text, _shape(entry.value)) for entry in node.entries)
