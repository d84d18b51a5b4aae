"""An image as an archive: what its config says, and which layers are in it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from envkit.engines.values import LayerFacts
from envkit.errors import EngineError
from envkit.save.archive import Recipe, history_of, image_json, write_archive
from envkit.save.receiving import Layer

CONFIG = {"Env": ["A=1"], "Healthcheck": {"Test": ["NONE"]}, "StopSignal": "SIGINT", "Labels": None}
RECIPE = Recipe(
    architecture="arm64", config=CONFIG, created="2026-01-01T00:00:00Z", below=("sha256:b1", "sha256:b2")
)


def row(created_by: str, size_bytes: int) -> LayerFacts:
    return LayerFacts(created_by=created_by, size_bytes=size_bytes)


def layer(folder: Path, content: bytes) -> Layer:
    path = folder / "new.tar"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Layer(path=path, diff_id=f"sha256:{digest}", size_bytes=len(content))


def saved(folder: Path, layers: dict[str, bytes], manifest: object) -> Path:
    """Write what `docker save` gives; a content that begins with `->` is a link."""
    path = folder / "saved.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in {**layers, "manifest.json": json.dumps(manifest).encode()}.items():
            entry = tarfile.TarInfo(name)
            if content.startswith(b"->"):
                entry.type, entry.linkname = tarfile.SYMTYPE, content[2:].decode()
            else:
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def read(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        files = ((name, archive.extractfile(name)) for name in archive.getnames())
        return {name: file.read() for name, file in files if file is not None}


def test_the_config_is_kept_whole_and_the_new_layers_lie_above(tmp_path: Path) -> None:
    new = layer(tmp_path, b"new")
    assert json.loads(image_json(RECIPE, [new])) == {
        "architecture": "arm64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": CONFIG,
        "rootfs": {"type": "layers", "diff_ids": ["sha256:b1", "sha256:b2", new.diff_id]},
        "history": [
            {"created_by": "a layer of the base"},
            {"created_by": "a layer of the base"},
            {"created_by": "envkit commit", "created": "2026-01-01T00:00:00Z"},
        ],
    }


def test_an_archive_holds_the_new_layers_only_and_uses_up_their_files(tmp_path: Path) -> None:
    new = layer(tmp_path, b"new")
    config = image_json(RECIPE, [new])
    name = hashlib.sha256(config).hexdigest()
    assert write_archive(tmp_path / "image.tar", RECIPE, [new]) == f"sha256:{name}"
    manifest = [
        {"Config": f"{name}.json", "RepoTags": None, "Layers": ["lower-1.tar", "lower-2.tar", "layer-1.tar"]}
    ]
    found = read(tmp_path / "image.tar")
    assert found == {"layer-1.tar": b"new", f"{name}.json": config, "manifest.json": found["manifest.json"]}
    assert json.loads(found["manifest.json"]) == manifest
    assert not new.path.exists()


def test_a_whole_archive_has_the_lower_layers_as_the_engine_saved_them(tmp_path: Path) -> None:
    layers = {"x/layer.tar": b"one", "y/layer.tar": b"->../x/layer.tar", "z/layer.tar": b"unscrubbed"}
    lower = saved(tmp_path, layers, [{"Config": "c.json", "Layers": list(layers)}])
    write_archive(tmp_path / "image.tar", RECIPE, [layer(tmp_path, b"new")], lower)
    found = read(tmp_path / "image.tar")
    assert (found["lower-1.tar"], found["lower-2.tar"], found["layer-1.tar"]) == (b"one", b"one", b"new")
    assert b"unscrubbed" not in (tmp_path / "image.tar").read_bytes()


@pytest.mark.parametrize("manifest", [[], [{}], [{"Layers": ["x"]}]])
def test_a_saved_image_that_makes_no_sense_is_an_error(manifest: object, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        write_archive(tmp_path / "image.tar", RECIPE, [], saved(tmp_path, {}, manifest))


@pytest.mark.parametrize(
    ("rows", "layers", "empty"),
    [
        ((row("ADD file", 9), row("CMD sh", 0), row("RUN x", 5)), 2, [False, True, False]),
        (
            (row("ADD file", 9), row("/bin/sh -c #(nop) WORKDIR /x", 0), row("ENV a", 0)),
            2,
            [False, False, True],
        ),
        ((row("ADD file", 9), row("RUN nothing", 0)), 1, [False, True]),
        ((row("ADD file", 9), row("CMD sh", 0)), 3, [False, False, False]),
        ((), 2, [False, False]),
    ],
)
def test_the_history_has_a_line_that_counts_for_every_layer(
    rows: tuple[LayerFacts, ...], layers: int, empty: list[bool]
) -> None:
    assert [line.get("empty_layer", False) for line in history_of(rows, layers)] == empty
