"""Write an image as an archive that an engine loads: our own config, and layers on top of others.

An engine with a layer store takes an archive that names its lower layers and does not hold them, when it
has them (tried with Docker 20.10, overlay2). Where it does not, they come from its own `save`.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from envkit.engines.values import LayerFacts
from envkit.errors import EngineError
from envkit.save.receiving import Layer, need_room

# Steps that can make a layer without a byte in it; all others of no size make none.
_FILES = ("RUN ", "COPY ", "ADD ", "WORKDIR ")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What an image is, besides its new layers."""

    architecture: str
    config: Mapping[str, Any] = field(
        repr=False
    )  # Env, Cmd, Entrypoint, Labels, …: as `Images.config` has it
    created: str  # RFC 3339
    below: tuple[str, ...]  # the lower layers, by their diff_ids
    history: tuple[LayerFacts, ...] = ()  # theirs
    created_by: str = "envkit commit"  # what the history says of the new ones
    name: str = ""  # what the image is called as soon as it is loaded; "" for nothing


def image_json(recipe: Recipe, layers: Sequence[Layer]) -> bytes:
    """Return the image's config, whose hash is its id."""
    new = [{"created": recipe.created, "created_by": recipe.created_by} for _ in layers]
    about = {
        "architecture": recipe.architecture,
        "os": "linux",
        "created": recipe.created,
        "config": dict(recipe.config),
        "rootfs": {"type": "layers", "diff_ids": [*recipe.below, *(layer.diff_id for layer in layers)]},
        "history": [*history_of(recipe.history, len(recipe.below)), *new],
    }
    return json.dumps(about, sort_keys=True, separators=(",", ":")).encode()


def history_of(rows: Sequence[LayerFacts], layers: int) -> list[dict[str, Any]]:
    """Return the history of so many layers: the engine's rows where they can fit, else a line a layer.

    The engine does not say which step made no layer. What has a size made one; of the rest, what can have.
    """
    making = [row.size_bytes > 0 or any(word in row.created_by for word in _FILES) for row in rows]
    if making.count(True) != layers:
        making = [row.size_bytes > 0 for row in rows]
    if making.count(True) != layers:
        return [{"created_by": "a layer of the base"} for _ in range(layers)]
    return [
        {"created_by": row.created_by} | ({} if makes else {"empty_layer": True})
        for row, makes in zip(rows, making, strict=True)
    ]


def write_archive(target: Path, recipe: Recipe, layers: Sequence[Layer], lower: Path | None = None) -> str:
    """Write the archive; return the image's id. The layers' files go as they are copied, for want of room.

    `lower` is what the engine's `save` gave of an image that begins with the lower layers.
    """
    config = image_json(recipe, layers)
    name = hashlib.sha256(config).hexdigest()
    need_room(target.parent, max((layer.size_bytes for layer in layers), default=0))
    names = [f"lower-{number}.tar" for number in range(1, len(recipe.below) + 1)]
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        target.chmod(0o600)
        if lower is not None:
            _copy_lower(archive, lower, names)
        for number, layer in enumerate(layers, 1):
            names.append(f"layer-{number}.tar")
            with layer.path.open("rb") as file:
                _add(archive, names[-1], file, layer.size_bytes)
            layer.path.unlink()
        called = [recipe.name] if recipe.name else None
        manifest = json.dumps([{"Config": f"{name}.json", "RepoTags": called, "Layers": names}]).encode()
        for file_name, content in ((f"{name}.json", config), ("manifest.json", manifest)):
            _add(archive, file_name, io.BytesIO(content), len(content))
    return f"sha256:{name}"


def spool(chunks: Iterable[bytes], target: Path, size_bytes: int) -> Path:
    """Write what the engine's `save` gives into a file, for which there must be room."""
    need_room(target.parent, 2 * size_bytes)  # once as it comes, once in the archive
    with target.open("xb") as file:
        target.chmod(0o600)
        for chunk in chunks:
            file.write(chunk)
    return target


def _copy_lower(archive: tarfile.TarFile, lower: Path, names: Sequence[str]) -> None:
    """Copy the lowest layers of a saved image, under our names; compressed ones stay so."""
    with tarfile.open(lower) as saved:
        try:
            about = saved.extractfile("manifest.json")
            found = json.load(about)[0]["Layers"] if about else []
        except (KeyError, ValueError, IndexError) as error:
            raise _odd() from error
        if len(found) < len(names):
            raise _odd()
        for theirs, ours in zip(found, names, strict=False):
            content = saved.extractfile(theirs)  # follows a link: one layer may stand there twice
            if content is None:
                raise _odd()
            size = content.seek(0, io.SEEK_END)
            content.seek(0)
            _add(archive, ours, content, size)


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    archive.addfile(entry, content)


def _odd() -> EngineError:
    return EngineError("the engine's own archive of the image cannot be read", fix="run the command again")
