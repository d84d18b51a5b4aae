"""Make the upper layers of an image one: what its tree has otherwise than that of its lower layers.

Two trees are compared as they lie there, not their layers: what was written and removed again is in neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from envkit.container import maker
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, SAVE, Change
from envkit.errors import EngineError
from envkit.save.archive import Recipe, spool, write_archive
from envkit.save.layers import Layer, LayerWish, ask, make_layers, reading
from envkit.scratch import Scratch

_PART = 1 << 20
Kind = Literal["changed", "added", "deleted", "unsure"]


def squash(engine: Engine, image: str, keep: int, wish: LayerWish, folder: Path) -> tuple[Layer, ...]:
    """Return the layers that make the image's tree out of its lowest `keep` layers; 0 flattens it.

    The wish's own changes do not matter: all that differs is in.
    """
    with reading(engine, image) as container:
        if keep == 0:
            return make_layers(engine, container, replace(wish, changes=None), folder)
        with lower_part(engine, image, keep) as below, reading(engine, below) as lower:
            changes = differences(engine, lower, container)
        return make_layers(engine, container, replace(wish, changes=changes), folder)


@contextmanager
def lower_part(engine: Engine, image: str, keep: int) -> Iterator[str]:
    """Give an image of another's lowest layers; it goes in any case, its layers stay with the other."""
    facts = engine.images.inspect(image)
    assert facts is not None  # the caller's own
    recipe = Recipe(
        architecture=facts.architecture,
        # Not the labels of the other: whoever looks for that step must not find this one.
        config={"Labels": {OWNED: "true", SAVE: f"lower-{facts.id}", **maker.labels(maker.this_process())}},
        created=facts.created,
        below=facts.diff_ids[:keep],
    )
    with Scratch("lower") as scratch:
        lower = None
        if not engine.facts().loads_on_top:
            lower = spool(engine.images.save(image), scratch / "saved.tar", facts.size_bytes)
        write_archive(scratch / "image.tar", recipe, (), lower)
        found = engine.images.load(scratch / "image.tar", lambda line: None)
    try:
        yield found
    finally:
        engine.images.untag(found)


def differences(engine: Engine, below: str, above: str) -> tuple[Change, ...]:
    """Return what the container `above` has otherwise than the container `below`."""
    found, unsure = [], []
    with Scratch("trees") as scratch:
        trees = [_listed(engine, one, scratch / name) for one, name in ((below, "below"), (above, "above"))]
        for path, kind in compare(*map(_records, trees)):
            if kind == "unsure":
                unsure.append(path)
            else:
                found.append(Change(path=path, kind=kind))
    if unsure:
        pairs = zip(_hashes(engine, below, unsure), _hashes(engine, above, unsure), strict=True)
        other = [path for path, (old, new) in zip(unsure, pairs, strict=True) if old != new]
        found += [Change(path=path, kind="changed") for path in other]
    return tuple(found)


def folder_changes(engine: Engine, below: str, above: str) -> tuple[Change, ...]:
    """Return the folders of `above` with another owner, mode or attribute.

    Docker's own list has no folder of which only these changed (moby, pkg/archive/changes.go): its commit
    has them.
    """
    with Scratch("folders") as scratch:
        trees = [
            _listed(engine, one, scratch / name, folders=True)
            for one, name in ((below, "below"), (above, "above"))
        ]
        differing = compare(*map(_records, trees))
        return tuple(Change(path=path, kind="changed") for path, kind in differing if kind == "changed")


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


def _listed(engine: Engine, container: str, file: Path, *, folders: bool = False) -> Path:
    with file.open("xb") as written:
        ask(engine, container, ("layer_list", {"folders": folders}), written.write)
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
