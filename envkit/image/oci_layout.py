"""Write an engine's archive of an image as an OCI layout, its config byte for byte: its id stays what it is.

A client that converts by itself writes the config anew, and loses what OCI does not name: a check of health.
Layout: github.com/opencontainers/image-spec, image-layout.md.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from envkit.errors import EngineError

TAG = "image"
_PART = 1 << 20
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MAGIC = {
    b"\x1f\x8b": "+gzip",
    b"\x28\xb5": "+zstd",
}  # the engine's archives hold plain tars, containerd's do not


def write_layout(parts: Iterable[bytes], folder: Path) -> None:
    """Write the layout of the one image in the archive; EngineError when the archive is cut or damaged."""
    blobs = _Blobs(folder / "blobs" / "sha256")
    blobs.folder.mkdir(parents=True)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], _Stream(iter(parts))), mode="r|", bufsize=_PART) as archive:
            for member in archive:
                if member.issym() or member.islnk():
                    start = posixpath.dirname(member.name) if member.issym() else ""
                    blobs.links[member.name] = posixpath.normpath(posixpath.join(start, member.linkname))
                elif member.isfile() and (content := archive.extractfile(member)):
                    blobs.take(member.name, content)
        (entry,) = json.loads(blobs.read("manifest.json"))
        _finish(folder, blobs, entry)
    except (tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"the engine's archive of the image is damaged: {error}", fix="run it again"
        ) from error


def _finish(folder: Path, blobs: _Blobs, entry: Mapping[str, Any]) -> None:
    config = blobs.read(entry["Config"])
    layers = [blobs.descriptor(name) for name in entry["Layers"]]
    plain = [one["digest"] for one in layers if one["mediaType"] == _LAYER]
    if plain and plain != json.loads(config)["rootfs"]["diff_ids"]:
        raise ValueError("its layers are not those of its config")
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {**blobs.keep(config), "mediaType": _CONFIG},
        "layers": layers,
    }
    told = {
        **blobs.keep(json.dumps(manifest).encode()),
        "mediaType": _MANIFEST,
        "annotations": {"org.opencontainers.image.ref.name": TAG},
    }
    index = {"schemaVersion": 2, "manifests": [told]}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")


@dataclass
class _Blobs:
    """The archive's files by their digests."""

    folder: Path
    links: dict[str, str] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, content: IO[bytes]) -> None:
        """Write a file under the digest of its bytes."""
        hashed, unnamed = hashlib.sha256(), self.folder / "coming"
        with unnamed.open("wb") as file:
            while part := content.read(_PART):
                hashed.update(part)
                file.write(part)
        self._digests[name] = hashed.hexdigest()
        unnamed.rename(self.folder / hashed.hexdigest())

    def keep(self, content: bytes) -> dict[str, Any]:
        """Write bytes; return what describes them."""
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def read(self, name: str) -> bytes:
        """Return a file of the archive."""
        return self._path(name).read_bytes()

    def descriptor(self, name: str) -> dict[str, Any]:
        """Return what describes a layer."""
        path = self._path(name)
        with path.open("rb") as file:
            kind = _LAYER + _MAGIC.get(file.read(2), "")
        return {"mediaType": kind, "digest": f"sha256:{path.name}", "size": path.stat().st_size}

    def _path(self, name: str) -> Path:
        for _ in self.links:  # a link may lead to another
            name = self.links.get(name, name)
        return self.folder / self._digests[name]


class _Stream:
    """What comes in parts, to be read like a file."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._left = b""

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end only."""
        got = bytearray(self._left)
        while len(got) < size and (part := next(self._parts, None)) is not None:
            got += part
        self._left = bytes(got[size:])
        return bytes(got[:size])
