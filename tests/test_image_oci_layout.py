"""The layout of an image: what the engine's archive holds, byte for byte."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.errors import EngineError
from envkit.image.oci_layout import write_layout
from tests.environments import image


def blob(folder: Path, digest: str) -> bytes:
    content = (folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest.removeprefix("sha256:")
    return content


def archive(files: dict[str, bytes], links: dict[str, str]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, target in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def test_a_layout_holds_the_config_and_the_layers_as_they_are(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.images.add(image())
    whole = b"".join(engine.images.save("lab:dev"))
    write_layout(iter([whole[:700], whole[700:]]), tmp_path)
    (told,) = json.loads((tmp_path / "index.json").read_text("utf-8"))["manifests"]
    manifest = json.loads(blob(tmp_path, told["digest"]))
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = tar.extractfile(entry["Config"]).read()  # type: ignore[union-attr]
    assert blob(tmp_path, manifest["config"]["digest"]) == config
    layers = [(one["digest"], one["mediaType"].rpartition(".")[2]) for one in manifest["layers"]]
    assert layers == [(digest, "tar") for digest in engine.images.require("lab:dev").diff_ids]


def test_equal_layers_that_are_links_are_found(tmp_path: Path) -> None:
    layer = b"one layer"
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = json.dumps({"rootfs": {"diff_ids": [digest, digest]}}).encode()
    manifest = [{"Config": "c.json", "Layers": ["b/layer.tar", "a/layer.tar"]}]
    files = {"a/layer.tar": layer, "c.json": config, "manifest.json": json.dumps(manifest).encode()}
    write_layout([archive(files, {"b/layer.tar": "../a/layer.tar"})], tmp_path)
    (told,) = json.loads((tmp_path / "index.json").read_text("utf-8"))["manifests"]
    assert [one["digest"] for one in json.loads(blob(tmp_path, told["digest"]))["layers"]] == [digest] * 2


@pytest.mark.parametrize("keep", [0, 300, 3000])
def test_a_cut_archive_is_no_image(tmp_path: Path, keep: int) -> None:
    engine = FakeEngine()
    engine.images.add(image())
    whole = b"".join(engine.images.save("lab:dev"))
    with pytest.raises(EngineError, match="the engine's archive of the image is damaged"):
        write_layout([whole[:keep]], tmp_path)


def test_layers_of_another_image_are_no_image(tmp_path: Path) -> None:
    config = json.dumps({"rootfs": {"diff_ids": ["sha256:other"]}}).encode()
    manifest = json.dumps([{"Config": "c.json", "Layers": ["a/layer.tar"]}]).encode()
    with pytest.raises(EngineError, match="not those of its config"):
        write_layout(
            [archive({"a/layer.tar": b"x", "c.json": config, "manifest.json": manifest}, {})], tmp_path
        )
