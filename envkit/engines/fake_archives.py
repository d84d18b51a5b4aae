"""Docker archives for the engine in memory: written and read as a real engine does."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkit.errors import EngineError


@dataclass(frozen=True, kw_only=True)
class Archive:
    """What an archive holds; a layer that is not in it is None."""

    identity: str
    image: Mapping[str, Any]
    names: tuple[str, ...]
    layers: tuple[bytes | None, ...]


def made_layer(mark: str) -> bytes:
    """Return a layer of one file that holds these words."""
    return _tar({"mark": mark.encode()})


def write_archive(
    image: Mapping[str, Any], names: tuple[str, ...], layers: tuple[bytes, ...]
) -> Iterator[bytes]:
    """Yield an archive of these layers."""
    config = json.dumps(image).encode()
    files = {f"{hashlib.sha256(layer).hexdigest()}/layer.tar": layer for layer in layers}
    called = f"{hashlib.sha256(config).hexdigest()}.json"
    paths = [f"{hashlib.sha256(layer).hexdigest()}/layer.tar" for layer in layers]
    manifest = json.dumps([{"Config": called, "RepoTags": list(names) or None, "Layers": paths}]).encode()
    yield _tar({called: config, **files, "manifest.json": manifest})


def read_archive(tar: Path) -> Archive:
    """Return what an archive of one image holds; EngineError when it is none."""
    try:
        with tarfile.open(tar) as archive:
            held = {member.name: member for member in archive.getmembers() if member.isfile()}

            def content(name: str) -> bytes | None:
                return archive.extractfile(held[name]).read() if name in held else None  # type: ignore[union-attr]

            (entry,) = json.loads(content("manifest.json") or b"")
            config = content(entry["Config"]) or b""
            image = json.loads(config)
            return Archive(
                identity=str(image.get("id") or "sha256:" + hashlib.sha256(config).hexdigest()),
                image=image,
                names=tuple(entry.get("RepoTags") or ()),
                layers=tuple(content(path) for path in entry["Layers"]),
            )
    except (tarfile.TarError, ValueError, KeyError) as error:
        raise EngineError(
            f"loading {tar}: that is no archive of an image: {error}", fix="make it anew"
        ) from error


def _tar(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()
