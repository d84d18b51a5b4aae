"""Keep what a process prints within its limit: the middle of its log goes, while it writes on.

The process holds the file itself and writes at its end. So nothing is moved: the kernel frees the room of the
middle (a hole, fallocate(2)), and every place of the log stays where it was for whoever reads it. What is
left out stands in a file beside the log; when the process has ended, the hole goes, too.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from typing import Optional, Tuple

from .run_evidence import read, write

CUT = ".cut"  # beside a log: where it is cut
_PUNCH_AND_KEEP_SIZE = 0x02 | 0x01  # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, linux/falloc.h
_LINE = 65536  # so far the end of a line is looked for


class Limited:
    """One log, and how much of it is kept: its first quarter, and at least its last half."""

    def __init__(self, path: str, limit: int) -> None:
        self._path, self._limit = path, limit
        self._begin: Optional[int] = None  # where the hole begins
        self._to = 0
        self._is_possible = True

    def look(self) -> None:
        """Leave out what is too much by now."""
        if not self._is_possible:
            return
        try:
            size = os.stat(self._path).st_size
            kept = size - self._to + (self._begin or 0)
            if kept > self._limit:
                self._cut(size)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM):
                self._is_possible = False
                self._say_it_stays()

    def _cut(self, size: int) -> None:
        with open(self._path, "r+b") as file:
            begin = self._begin
            if begin is None:
                head = _line_before(file.fileno(), self._limit // 4)
                begin = head + len(self._mark())
            to = _line_after(file.fileno(), size - self._limit // 2)
            # Told before it happens: who reads zeros finds out why.
            self._note(begin, to, moved=False)
            _free(file.fileno(), begin, to - begin)
            if self._begin is None:
                os.pwrite(file.fileno(), self._mark(), begin - len(self._mark()))
            self._begin, self._to = begin, to

    def _mark(self) -> bytes:
        size = f"{self._limit / (1 << 20):g} MB" if self._limit >= 1 << 20 else f"{self._limit} bytes"
        told = f"[envkit: this log grew beyond {size} (--log-limit): what stood here is left out]\n"
        return told.encode()

    def _note(self, begin: int, to: int, *, moved: bool) -> None:
        write(self._path + CUT, {"begin": begin, "to": to, "moved": moved}, sync=False)

    def _say_it_stays(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._path + CUT)
        told = (
            b"[envkit: this log is beyond its limit and stays whole: its disk cannot free a file's middle]\n"
        )
        with contextlib.suppress(OSError), open(self._path, "ab") as file:
            file.write(told)

    def close(self) -> None:
        """Let the hole go, once nobody writes any more: a copy of it would be as long as all that was."""
        if self._begin is None:
            return
        half = f"{self._path}.{os.getpid()}.tmp"
        try:
            with open(self._path, "rb") as log, open(half, "wb") as whole:
                whole.write(log.read(self._begin))
                log.seek(self._to)
                shutil.copyfileobj(log, whole)
            os.rename(half, self._path)
            self._note(self._begin, self._to, moved=True)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(half)


def past_hole(path: str, part: bytes, offset: int) -> Tuple[bytes, int]:
    """Return of what was read at an offset what was printed, and where to read on."""
    cut = read(path + CUT) if b"\0" in part else None
    if cut is not None:
        begin, end = max(cut["begin"], offset), min(cut["to"], offset + len(part))
        if begin < end and b"\0" in part[begin - offset : end - offset]:
            return part[: begin - offset], int(cut["to"])
    return part, offset + len(part)


def _free(file: int, begin: int, length: int) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    places = (ctypes.c_int64(begin), ctypes.c_int64(length))
    call = getattr(libc, "fallocate64", None) or libc.fallocate
    if call(file, _PUNCH_AND_KEEP_SIZE, *places) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _line_before(file: int, place: int) -> int:
    """Return the end of the last whole line before a place, or the place."""
    start = max(0, place - _LINE)
    found = os.pread(file, place - start, start).rfind(b"\n")
    return place if found < 0 else start + found + 1


def _line_after(file: int, place: int) -> int:
    """Return where the first whole line after a place begins, or the place."""
    found = os.pread(file, _LINE, place).find(b"\n")
    return place if found < 0 else place + found + 1
