"""Folders of envkit's own for a moment: private, and recognisable as left over when their process was killed.

Each holds a file that its process keeps locked. The kernel lets go of the lock when the process ends, however
it ends: who can take it knows that nobody is at the folder, whatever process table it looks from (flock(2)).
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from envkit.errors import EnvkitError

_PREFIX = "envkit-tmp-"  # short: sockets lie in them, whose paths have at most 107 bytes (unix(7))
_LOCK = ".lock"
_HALF_MADE_S = 60.0  # between a folder and its lock lie microseconds


class Scratch:
    """A folder, mode 0700, that goes with its process; making one removes what killed processes left."""

    def __init__(self, kind: str, parent: Path | None = None) -> None:
        """Make it below `parent` (default: where temporary files go), named after what it is for."""
        parent = parent or Path(tempfile.gettempdir())
        for old in leftovers(parent):
            remove(old)
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{kind}-", dir=parent))
        self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        """Remove it with all it holds; twice is fine."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Path:
        """Return the folder."""
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it."""
        self.remove()


def leftovers(parent: Path | None = None) -> tuple[Path, ...]:
    """Return this user's scratch folders that no process is at any more."""
    parent = parent or Path(tempfile.gettempdir())
    return tuple(sorted(path for path in parent.glob(f"{_PREFIX}*") if _is_left(path)))


def remove(path: Path) -> None:
    """Remove one that is still left over; whoever else is faster is fine."""
    if _is_left(path):
        shutil.rmtree(path, ignore_errors=True)


def is_full(error: BaseException) -> bool:
    """Tell whether a disk, or this user's share of it, is full."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def no_room(folder: Path, *, doing: str = "", figures: str = "") -> EnvkitError:
    """Return the error of a disk of this machine that is full."""
    return EnvkitError(
        f"{doing and f'{doing}: '}the disk of {folder} is full{figures and f': {figures}'}",
        fix="make room there, or name another folder: TMPDIR=/big/disk envkit …",
    )


def _is_left(path: Path) -> bool:
    with suppress(OSError):
        about = path.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            return False
        try:
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return time.time() - about.st_mtime > _HALF_MADE_S
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(lock)
        return True
    return False  # somebody holds the lock, or the folder went meanwhile
