"""What one image has otherwise than another: both trees are listed where they lie, and compared.

The engine's own list of a container's changes does not do: Docker's leaves out a file that was written
anew with its old size and time and a folder that only changed its owner, and has no name that is not UTF-8
(all tried, 20.10 with overlay2). Its commit has them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from envkit.engines.base import Engine
from envkit.engines.values import Change
from envkit.errors import EngineError
from envkit.save.layers import NoPython, ask
from envkit.scratch import Scratch

_PART = 1 << 20
Kind = Literal["changed", "added", "deleted", "unsure"]


class Beneath:
    """The tree of a container on which new layers are to lie; it is listed while something else goes on."""

    def __init__(self, engine: Engine, container: str, folder: Path, beside: Executor) -> None:
        self.container = container
        self._engine, self._folder, self._beside = engine, folder, beside
        self._listed = beside.submit(_listed, engine, container, folder / "below")

    def changed(self, above: str, told: tuple[Change, ...] | None) -> tuple[Change, ...]:
        """Return what the container `above` has otherwise; without a Python, what was `told`. Once only."""
        try:
            new = _listed(self._engine, above, self._folder / "above")
            return self._differences(above, self._listed.result(), new)
        except NoPython:
            if told is None:
                raise
            return told

    def _differences(self, above: str, old: Path, new: Path) -> tuple[Change, ...]:
        found, unsure = [], []
        for path, kind in compare(_records(old), _records(new)):
            if kind == "unsure":
                unsure.append(path)
            else:
                found.append(Change(path=path, kind=kind))
        if unsure:
            below = self._beside.submit(_hashes, self._engine, self.container, unsure)
            hashes = zip(unsure, _hashes(self._engine, above, unsure), below.result(), strict=True)
            found += [Change(path=path, kind="changed") for path, now, was in hashes if now != was]
        return tuple(found)


@contextmanager
def beneath(engine: Engine, container: str) -> Iterator[Beneath]:
    """Begin to list a container's tree, and give it."""
    with Scratch("trees") as scratch, ThreadPoolExecutor(1) as beside:
        yield Beneath(engine, container, scratch, beside)


def changed(engine: Engine, below: str, above: str, told: tuple[Change, ...] | None) -> tuple[Change, ...]:
    """Return what the container `above` has otherwise than `below`; without a Python, what was `told`."""
    with beneath(engine, below) as tree:
        return tree.changed(above, told)


class Record(NamedTuple):
    """A path of a tree: its parts to sort by, what it is, and which very file it is."""

    parts: tuple[bytes, ...]
    what: bytes
    very: bytes


def compare(below: Iterator[Record], above: Iterator[Record]) -> Iterator[tuple[str, Kind]]:
    """Yield what differs between two sorted trees; of a folder that went, only itself.

    A file that looks the same and is another one is `unsure`: only its content tells.
    """
    old, new = next(below, None), next(above, None)
    gone: tuple[bytes, ...] = ()
    while old is not None or new is not None:
        if new is None or (old is not None and old.parts < new.parts):
            assert old is not None
            if not gone or old.parts[: len(gone)] != gone:
                gone = old.parts
                yield _path(old), "deleted"
            old = next(below, None)
        elif old is None or new.parts < old.parts:
            yield _path(new), "added"
            new = next(above, None)
        else:
            if old.what != new.what:
                yield _path(new), "changed"
            elif old.very != new.very:
                yield _path(new), "unsure"
            old, new = next(below, None), next(above, None)


def _path(record: Record) -> str:
    return "/" + b"/".join(record.parts).decode("utf-8", "surrogateescape")


def _listed(engine: Engine, container: str, file: Path) -> Path:
    with file.open("xb") as written:
        ask(engine, container, ("layer_list", {}), written.write)
    return file


def _records(file: Path) -> Iterator[Record]:
    """Yield the records of a list, one at a time: a tree may have a million files."""
    rest = b""
    with file.open("rb") as listed:
        while part := listed.read(_PART):
            *whole, rest = (rest + part).split(b"\0")
            for record in whole:
                what, very, path = record.split(b"\t", 2)
                yield Record(parts=tuple(path.split(b"/")), what=what, very=very)
    if rest:
        raise EngineError("the engine cut the list of files", fix="run the command again")


def _hashes(engine: Engine, container: str, paths: list[str]) -> list[bytes]:
    said = bytearray()
    ask(engine, container, ("layer_list", {"hash": paths}), said.extend)
    return bytes(said).split()
