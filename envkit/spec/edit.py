"""Write packages into a spec's text: its comments, order and quotes stay as they are."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

Key = Literal["apt", "dnf", "pip", "torch", "torch_npu"]
_VERSIONS = ("torch", "torch_npu")  # keys of one version, and no list
_WIDE = 4096  # lines stay as long as they were written


@dataclass(frozen=True, kw_only=True)
class PackageEdit:
    """A package that is to be in a spec (`entry`: how it is asked for), or is not to be (None)."""

    key: Key
    name: str
    entry: str | None


def with_packages(text: str, edits: Iterable[PackageEdit]) -> tuple[str, tuple[PackageEdit, ...]]:
    """Return the spec's text with these packages, and the removals that it has no line for."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    indent, dash = _indents(text)
    yaml.indent(mapping=indent, sequence=dash + 2, offset=dash)
    spec = yaml.load(text)
    if spec is None:
        spec = CommentedMap()
    # What is added comes first: a list that was empty in between would be gone, with its comments.
    ordered = sorted(edits, key=lambda edit: edit.entry is None)
    left = tuple(edit for edit in ordered if not _edited(spec, edit))
    written = io.StringIO()
    yaml.dump(spec, written)
    return written.getvalue(), left


def _edited(spec: CommentedMap, edit: PackageEdit) -> bool:
    if edit.key in _VERSIONS:
        return _set(spec, edit)
    entries = _entries(spec, edit.key, make=edit.entry is not None)
    if entries is None:
        return False
    place = next((n for n, entry in enumerate(entries) if name_of(edit.key, str(entry)) == edit.name), None)
    if edit.entry is None:
        if place is not None:
            _remove(spec, edit.key, entries, place)
        return place is not None
    if place is None:
        entries.append(edit.entry)
    elif str(entries[place]) != edit.entry:
        entries[place] = _kept(edit.key, str(entries[place]), edit.entry)
    return True


def _set(spec: CommentedMap, edit: PackageEdit) -> bool:
    if edit.entry is None:
        return spec.pop(edit.key, None) is not None
    if str(spec.get(edit.key)) != edit.entry:
        spec[edit.key] = DoubleQuotedScalarString(edit.entry)
    return True


def _entries(spec: CommentedMap, key: Key, *, make: bool) -> Any:
    """Return the list of packages, in whichever of its forms the spec has it; None where there is none."""
    held = spec.get(key)
    if isinstance(held, CommentedSeq):
        return held
    if isinstance(held, str):
        spec[key] = _list(held)
        return spec[key]
    if isinstance(held, CommentedMap):
        return _entries(held, "packages", make=make)  # type: ignore[arg-type]  # the long form's own key
    if make:
        spec[key] = _list()
        return spec[key]
    return None


def _list(*entries: str) -> CommentedSeq:
    made = CommentedSeq(entries)
    made.fa.set_flow_style()
    return made


def _remove(spec: CommentedMap, key: Key, entries: Any, place: int) -> None:
    del entries[place]
    if not entries and spec.get(key) is entries:
        del spec[key]


def name_of(key: Key, entry: str) -> str:
    """Return the name of the package that an entry asks for, as packages of one kind are compared."""
    if key != "pip":
        return entry.partition("=")[0]
    try:
        return canonicalize_name(Requirement(entry).name)
    except InvalidRequirement:
        return entry


def _kept(key: Key, was: str, entry: str) -> str:
    """Return the new entry with what the old one says beside the version: extras, and when it is wanted."""
    if key != "pip":
        return entry
    old, new = Requirement(was), Requirement(entry)
    new.extras, new.marker = old.extras, old.marker
    return str(new)


def _indents(text: str) -> tuple[int, int]:
    """Return by how much the spec's mappings and its lists' dashes are indented."""
    mapping = re.search(r"^[\w-]+:[^\S\n]*(?:#.*)?\n(?:[^\S\n]*(?:#.*)?\n)*( +)[\w-]+:", text, re.MULTILINE)
    dashes = re.search(r"^[\w-]+:[^\S\n]*(?:#.*)?\n(?:[^\S\n]*(?:#.*)?\n)*( *)- ", text, re.MULTILINE)
    return (len(mapping[1]) if mapping else 2), (len(dashes[1]) if dashes else 2)
