"""A spec and all that it extends: found, read once, and merged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from envkit.errors import SpecError
from envkit.spec.merge import merged, moved, named_files
from envkit.spec.problems import Problem, likely
from envkit.spec.source import Entries, Items, Scalar, Source
from envkit.spec.text import shown
from envkit.spec.yaml_reader import MOST_BYTES, read

DEFAULT = "envkit.yaml"

_PRESET = "preset:"
# Presets build on presets, teams on presets, projects on teams: five are plenty, and bound the work.
_MOST_LEVELS = 5
_MOST_FILES = 32


def find(source: str | Path, presets: Path) -> Path:
    """Return the file of a spec: of `preset:NAME`, of a folder with an `envkit.yaml`, or the file itself."""
    text = str(source)
    if text.startswith(_PRESET):
        return _preset(text, presets)
    path = Path(source)
    try:
        path = path / DEFAULT if path.is_dir() else path
        is_file, is_there = path.is_file(), path.exists()
    except (OSError, ValueError) as error:
        raise SpecError(f"{text!r} cannot be opened ({error})", fix="name a file, or `preset:cpu`") from error
    if is_file:
        return path
    if is_there:
        raise SpecError(f"{path} is no ordinary file", fix="name a file, or `preset:cpu`")
    raise SpecError(f"{path}: no such file", fix=_advice(text, presets))


def preset_names(presets: Path) -> list[str]:
    """Return the names of the presets."""
    return sorted(path.stem for path in presets.glob("*.yaml"))


def display(path: Path) -> str:
    """Return a path as a message writes it: relative where it is below the present folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return os.path.normpath(path)


def read_file(path: Path) -> Entries:
    """Return the mapping in a file; at most a byte more than the limit is read."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SpecError(
            f"{display(path)} cannot be read: {error.strerror}", fix="check its permissions"
        ) from error
    return read(display(path), data)


@dataclass(frozen=True, kw_only=True)
class Family:
    """The merged tree, the files that it is made of, and what is wrong with their `extends`."""

    tree: Entries
    sources: tuple[Source, ...]
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, path: Path, presets: Path) -> Family:
        """Read a spec and all that it extends."""
        gathering = _Gathering(path.parent, presets)
        tree = gathering.tree_of(path, ())
        return cls(tree=tree, sources=tuple(gathering.sources), problems=tuple(gathering.problems))


@dataclass
class _Gathering:
    """What is known while the files are read."""

    folder: Path
    presets: Path
    sources: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    trees: dict[Path, Entries] = field(default_factory=dict)

    def tree_of(self, path: Path, chain: tuple[Path, ...]) -> Entries:
        """Return the merged tree of a file and its parents."""
        known = self.trees.get(path.resolve())
        if known is not None:
            return known
        own = read_file(path)
        self.sources.append(own.place.source)
        chain = (*chain, path)
        tree: Entries | None = None
        for entry in _parents(own):
            parent = self._parent(entry, path, chain)
            if parent is not None:
                found = self.tree_of(parent, chain)
                tree = merged(tree, found) if tree else found
        whole = self._relocated(own, path.parent)
        whole = merged(tree, whole) if tree else whole
        self.trees[path.resolve()] = whole
        return whole

    def _parent(self, entry: Scalar, child: Path, chain: tuple[Path, ...]) -> Path | None:
        """Return the file that an entry of `extends` names, or note why it cannot be had."""
        try:
            is_preset = entry.text.startswith(_PRESET)
            path = _preset(entry.text, self.presets) if is_preset else child.parent / entry.text
            is_file = path.is_file()
        except SpecError as error:
            self._note(
                entry, error.what, likely(entry.text, self._preset_names()), ", ".join(self._preset_names())
            )
            return None
        except (OSError, ValueError):
            path, is_file = child, False
        if not is_file:
            near = likely(_PRESET + entry.text, self._preset_names()) or likely(entry.text, _beside(child))
            self._note(entry, f"there is no file '{entry.text[:60]}' in {display(child.parent)}", near)
            return None
        return path if self._is_sound(entry, path, chain) else None

    def _is_sound(self, entry: Scalar, path: Path, chain: tuple[Path, ...]) -> bool:
        way = " → ".join(display(file) for file in (*chain, path))
        if path.resolve() in [file.resolve() for file in chain]:
            self._note(entry, f"`extends` goes in a circle: {way}")
        elif len(chain) > _MOST_LEVELS or len(self.sources) >= _MOST_FILES:
            self._note(
                entry, f"`extends` goes more than {_MOST_LEVELS} levels or {_MOST_FILES} files far: {way}"
            )
        else:
            return True
        return False

    def _relocated(self, tree: Entries, folder: Path) -> Entries:
        """Return the tree with its files relative to the folder of the spec that was asked for."""
        prefix = os.path.relpath(folder.resolve(), self.folder.resolve())
        if prefix == ".":
            return tree
        if not prefix.startswith(".."):
            return moved(tree, prefix)
        for _, node, _ in named_files(tree):
            what = f"'{node.text[:60]}' lies outside the folder of the spec that extends this"
            self._note(node, what)
        return tree

    def _preset_names(self) -> list[str]:
        return [_PRESET + name for name in preset_names(self.presets)]

    def _note(self, at: Scalar, what: str, meant: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(place=at.place, what=what, likely=meant, allowed=allowed))


def _parents(tree: Entries) -> Iterator[Scalar]:
    entry = tree.get("extends")
    value = entry.value if entry else None
    for item in value.items if isinstance(value, Items) else (value,):
        # What is no text, or no reference, is refused with everything else.
        if (
            isinstance(item, Scalar)
            and item.text.strip()
            and item.text.isprintable()
            and item.text[0] not in "/~"
        ):
            yield item


def _preset(text: str, presets: Path) -> Path:
    name = text.removeprefix(_PRESET)
    names = preset_names(presets)
    if name in names:
        return presets / f"{name}.yaml"
    near = likely(name, names)
    fix = f"did you mean 'preset:{near}'? " if near else ""
    what = f"there is no preset {shown(name)}" if name else f"`{_PRESET}` lacks the preset's name"
    raise SpecError(what, fix=f"{fix}presets: {', '.join(names)}")


def _beside(path: Path) -> list[str]:
    return [file.name for file in path.parent.glob("*.y*ml") if file != path]


def _advice(text: str, presets: Path) -> str:
    names = preset_names(presets)
    if text in names:
        return f"a preset is named `preset:{text}`"
    near = likely(Path(text).name, _beside(Path(text))) if text != DEFAULT else ""
    if near:
        return f"did you mean '{Path(text).with_name(near)}'?"
    return "write one (`envkit presets` lists examples), or use `preset:cpu`"
