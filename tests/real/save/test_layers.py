"""An image made of layers that envkit wrote is the engine's own commit, file by file."""

from __future__ import annotations

import hashlib
import io
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import docker
import pytest

from envkit.engines.base import Engine
from envkit.engines.values import OWNED, SAVE, Change, ImageFacts
from envkit.save import trees
from envkit.save.archive import Recipe, spool, write_archive
from envkit.save.layers import Layer, LayerWish, make_layers, reading
from envkit.save.squash import ground

pytestmark = pytest.mark.real
TREE = "srv/tree"
DROPPED = ("dropped", "dropped-folder", "dropped-folder/in", "dropped-folder/in/it")
SCRUBBED = b"password=\n"


@dataclass(frozen=True)
class Seen:
    """A path of an image, as the engine exports it."""

    kind: bytes
    mode: int
    owner: tuple[int, int]
    time: int
    device: tuple[int, int]
    link: str
    attributes: tuple[tuple[str, str], ...]
    content: str


def exported(engine: docker.DockerClient, image: str) -> dict[str, Seen]:
    """Return all files of an image, by another way than envkit's."""
    container = engine.containers.create(image, labels={"io.envkit.test": "save"})
    try:
        whole = io.BytesIO(b"".join(container.export()))
    finally:
        container.remove()
    found: dict[str, Seen] = {}
    names: dict[str, list[str]] = {}
    with tarfile.open(fileobj=whole, encoding="utf-8", errors="surrogateescape") as archive:
        for entry in archive:
            names.setdefault(entry.linkname if entry.islnk() else entry.name, []).append(entry.name)
            if not entry.islnk():
                found[entry.name] = _seen(archive, entry)
    for first, others in names.items():
        if len(others) > 1:
            together = " = ".join(sorted(others))
            found |= {name: _with_link(found[first], together) for name in others}
    return found


def _seen(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Seen:
    file = archive.extractfile(entry) if entry.isreg() else None
    return Seen(
        kind=entry.type,
        mode=entry.mode,
        owner=(entry.uid, entry.gid),
        time=int(entry.mtime // 1),
        device=(entry.devmajor, entry.devminor),
        link=entry.linkname,
        attributes=tuple(sorted((k, v) for k, v in entry.pax_headers.items() if "xattr" in k)),
        content=hashlib.sha256(file.read()).hexdigest() if file else "",
    )


def _with_link(seen: Seen, together: str) -> Seen:
    return Seen(**{**seen.__dict__, "link": together})


# Where the engine lays its own over a container, its folder has the container's time.
ENGINES = {"etc", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv"}
HIDDEN = ("dev", "proc", "sys")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A container of the image `base` in which everything has changed, and the engine's own commit of it."""

    engine: Engine
    client: docker.DockerClient
    base: ImageFacts
    raw: str
    changes: tuple[Change, ...] = field(repr=False)
    expected: dict[str, Seen] = field(repr=False)

    @contextmanager
    def made(self, layers: Sequence[Layer], folder: Path, *, keep: int, whole: bool = False) -> Iterator[str]:
        """Load an image of the lowest layers of the base and these; give its id."""
        engine, base = self.engine, self.base
        recipe = Recipe(
            architecture=base.architecture,
            config=engine.images.config(base.id),
            created="2026-01-01T00:00:00Z",
            below=base.diff_ids[:keep],
            history=engine.images.history(base.id) if keep == base.layers else (),
        )
        lower = spool(engine.images.save(base.id), folder / "lower.tar", base.size_bytes) if whole else None
        expected = write_archive(folder / "image.tar", recipe, layers, lower)
        image = engine.images.load(folder / "image.tar", lambda line: None)
        try:
            assert image == expected
            assert engine.images.config(image) == engine.images.config(base.id)
            yield image
        finally:
            engine.images.untag(image)

    def differing(self, image: str) -> list[str]:
        """Tell what the image has otherwise than the engine's own commit."""
        seen, wanted = exported(self.client, image), self.expected
        return [
            f"{name!r}: {seen.get(name)}, not {wanted.get(name)}"
            for name in sorted((seen.keys() | wanted.keys()) - ENGINES)
            if seen.get(name) != wanted.get(name) and name.split("/")[0] not in HIDDEN
        ]


@pytest.fixture(scope="module")
def case(ours: Engine, engine: docker.DockerClient, tiny: str, changed: str) -> Iterator[Case]:
    """The container, committed by the engine."""
    base = ours.images.inspect(tiny)
    assert base is not None
    raw = ours.images.commit(changed, {SAVE: uuid.uuid4().hex, OWNED: "true"})
    try:
        with reading(ours, tiny) as below, reading(ours, raw) as container:
            changes = trees.changed(ours, below, container, None)
        yield Case(
            engine=ours, client=engine, base=base, raw=raw, changes=changes, expected=exported(engine, raw)
        )
    finally:
        ours.images.untag(raw)


@pytest.mark.parametrize("whole", [False, True], ids=["on-top", "whole"])
@pytest.mark.parametrize("cap_bytes", [4_000_000_000, 40_000], ids=["one-layer", "many-layers"])
def test_the_image_is_the_engines_own_commit_file_by_file(
    case: Case, tmp_path: Path, whole: bool, cap_bytes: int
) -> None:
    with reading(case.engine, case.raw) as container:
        layers = make_layers(
            case.engine, container, LayerWish(changes=case.changes, cap_bytes=cap_bytes), tmp_path
        )
    assert (len(layers) > 2) == (cap_bytes == 40_000)
    with case.made(layers, tmp_path, keep=case.base.layers, whole=whole) as image:
        assert case.differing(image) == []
        history = case.engine.images.history(image)
        assert [row.created_by for row in history[-len(layers) :]] == ["envkit commit"] * len(layers)
        assert history[: -len(layers)] == case.engine.images.history(case.base.id)


def test_what_is_dropped_is_as_it_was_and_what_is_replaced_is_not(case: Case, tmp_path: Path) -> None:
    wish = LayerWish(
        changes=case.changes,
        drop=("/srv/tree/dropped", "/srv/tree/delete", "/srv/tree/dropped-folder"),
        replace={"/srv/tree/secret": SCRUBBED},
    )
    with reading(case.engine, case.raw) as container:
        layers = make_layers(case.engine, container, wish, tmp_path)
    assert b"hunter2" not in b"".join(layer.path.read_bytes() for layer in layers)
    with case.made(layers, tmp_path, keep=case.base.layers) as image:
        names = [line.partition(":")[0].strip("'") for line in case.differing(image)]
        assert names == [f"{TREE}/{name}" for name in sorted(("delete", "secret", *DROPPED))]
        found = exported(case.client, image)
        before = exported(case.client, case.base.id)
        assert [found[f"{TREE}/{name}"] for name in DROPPED[:1]] == [before[f"{TREE}/dropped"]]
        assert found[f"{TREE}/secret"] == replace(
            case.expected[f"{TREE}/secret"], content=hashlib.sha256(SCRUBBED).hexdigest()
        )


@pytest.mark.parametrize("keep", [0, 4], ids=lambda keep: f"keep-{keep}")
def test_layers_become_one_and_the_files_stay(case: Case, tmp_path: Path, keep: int) -> None:
    with (
        ground(case.engine, case.base.id, keep) as below,
        reading(case.engine, case.raw) as container,
    ):
        changes = trees.changed(case.engine, below, container, None) if keep else None
        layers = make_layers(case.engine, container, LayerWish(changes=changes), tmp_path)
    assert len(layers) == 1
    with case.made(layers, tmp_path, keep=keep) as image:
        found = case.engine.images.inspect(image)
        assert found is not None
        assert found.diff_ids[:keep] == case.base.diff_ids[:keep]
        assert case.differing(image) == []
    assert [
        one for one in case.engine.images.list({SAVE: ""}) if one.labels[SAVE] == f"lower-{case.base.id}"
    ] == []
