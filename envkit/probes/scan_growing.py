"""Read a folder of layers while somebody still writes them, one after the other."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from typing import IO

END = "end"  # this file tells that nothing more comes
_AGAIN_S = 0.02


class Abandoned(Exception):
    """Whoever wrote is gone."""


def layers(folder: str) -> Iterator[tuple[str, Growing]]:
    """Yield each layer, as soon as there is something of it."""
    parent, number = os.getppid(), 1
    while True:
        name, end = f"layer-{number}.tar", os.path.join(folder, END)
        path, following = (os.path.join(folder, f"layer-{one}.tar") for one in (number, number + 1))
        ended = os.path.exists(end)  # first: then all that ever comes is there
        if os.path.exists(path):
            with open(path, "rb", buffering=0) as file:
                yield name, Growing(file, (following, end), parent)
            number += 1
        elif ended:
            return
        else:
            _wait(parent)


class Growing(io.RawIOBase):
    """A file to which somebody appends, as long as none of `whole` is there."""

    def __init__(self, file: IO[bytes], whole: tuple[str, ...], parent: int) -> None:
        super().__init__()
        self._file, self._whole, self._parent = file, whole, parent

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read what there is, and wait while there is nothing; b"" is its end."""
        while True:
            whole = any(os.path.exists(one) for one in self._whole)  # first: then nothing comes after it
            piece = self._file.read(size)
            if piece or whole:
                return piece
            _wait(self._parent)


def _wait(parent: int) -> None:
    if os.getppid() != parent:
        raise Abandoned
    time.sleep(_AGAIN_S)
