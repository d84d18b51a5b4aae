"""Layers as they come out of a container: frames on one stream, each layer into a file of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from envkit.errors import EngineError
from envkit.scratch import is_full, no_room

_FRAME = struct.Struct(">cQ")  # probes/layer_tar.py writes them
_PART, _END, _ALL = b"d", b"e", b"z"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer, as it lies on disk: a tar archive, not compressed."""

    path: Path
    diff_id: str  # sha256:…, of these bytes
    size_bytes: int


class Receiver:
    """Takes frames, writes layers into files, and knows when all has come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._layers: list[Layer] = []
        self._said: dict[str, Any] | None = None
        self._head = bytearray()
        self._letter, self._left = b"", 0
        self._words = bytearray()
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()

    def close(self) -> None:
        """Close the file that is open; twice is fine."""
        if self._file is not None:
            with suppress(OSError):  # a full disk takes not even the rest
                self._file.close()

    def whole(self) -> tuple[Layer, ...]:
        """Return the layers; EngineError when something is missing."""
        if self._said is None or self._head or self._left:
            raise EngineError("the engine cut the layers that it sent", fix="run the command again")
        return tuple(self._layers)

    def take(self, part: bytes) -> None:
        """Take what came, wherever it was cut; EnvkitError when the disk is full."""
        try:
            self._take(memoryview(part))
        except OSError as error:
            if is_full(error):
                raise no_room(self._folder.parent) from error
            raise

    def _take(self, rest: memoryview) -> None:
        while len(rest):
            if not self._letter:
                missing = _FRAME.size - len(self._head)
                self._head += rest[:missing]
                rest = rest[missing:]
                if len(self._head) < _FRAME.size:
                    return
                self._letter, self._left = _FRAME.unpack(self._head)
                self._head.clear()
            piece, rest = rest[: self._left], rest[self._left :]
            self._left -= len(piece)
            self._content(piece)
            if not self._left:
                self._end_of_frame()

    def _content(self, piece: memoryview) -> None:
        if self._letter == _ALL:
            self._words += piece
        elif len(piece):
            if self._file is None:
                self._file = os.fdopen(os.open(self._path(), os.O_WRONLY | os.O_CREAT, 0o600), "wb")
                self._hash = hashlib.sha256()
            self._file.write(piece)
            self._hash.update(piece)

    def _end_of_frame(self) -> None:
        letter, self._letter = self._letter, b""
        if letter == _ALL:
            self._said = json.loads(self._words)
        elif letter == _END and self._file is not None:
            self._file.close()
            self._file = None
            path, digest = self._path(), self._hash.hexdigest()
            made = Layer(path=path, diff_id=f"sha256:{digest}", size_bytes=path.stat().st_size)
            self._layers.append(made)

    def _path(self) -> Path:
        return self._folder / f"layer-{len(self._layers) + 1}.tar"


def need_room(folder: Path, size_bytes: int) -> None:
    """Raise EnvkitError when so much does not fit where `folder` lies."""
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        figures = f"{size_bytes / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free"
        raise no_room(folder.parent, figures=figures)
