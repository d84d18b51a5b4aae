"""Read git's packs: each object whole, and of one that is kept as a difference, what is new in it.

gitformat-pack(5): a header, then objects, each packed by zlib. A difference takes pieces of another object
and puts new bytes between them; what it takes has been searched there, but what is new may go on in it.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

_PIECE = 1 << 16
_WHOLE_MOST = 32 << 20  # of an object that others build on: it is held in memory
_HELD_MOST = 64 << 20  # of all that are held
_AROUND = 4096  # what is shown of an object on both sides of what is new in it: a secret is shorter
_OFFSET, _NAME = 6, 7  # kinds of differences: to what stands so far before, to what has this name
_WORDS = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}


class Unpackable(ValueError):
    """Why something is not read to its end, in words."""


def packed(file: Any) -> Iterator[tuple[str, Any]]:
    """Yield each object of a pack that can be read from any place; what cannot be read says why."""
    head = file.read(12)
    if head[:4] != b"PACK" or len(head) < 12:
        raise Unpackable("no whole git pack")
    pack = _Pack(file)
    later = []
    for number in range(int.from_bytes(head[8:12], "big")):
        start = file.tell()
        kind, size, base = _header(file, start)
        stream = Inflated(file)
        if kind in _WORDS and size > _WHOLE_MOST:
            yield f"object {number}", io.BufferedReader(stream)
        elif kind == _NAME and base not in pack.places:
            later.append((number, start))  # git may put what it builds on after it
        else:
            yield f"object {number}", pack.shown(start)
        file.seek(pack.ends.pop(start, start))
        if file.tell() == start:
            _header(file, start)
            Inflated(file).skip()
    for number, start in later:
        yield f"object {number}", pack.shown(start)


class Inflated(io.RawIOBase):
    """What zlib packed; at its end the file stands behind it, when it can be set to a place."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file
        self._inflate = zlib.decompressobj()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next piece; EOFError where it was cut."""
        piece = b""
        while not piece and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(_PIECE)
            piece = self._inflate.decompress(packed, len(buffer))
            if not packed and not piece and not self._inflate.eof:
                raise EOFError
            if self._inflate.eof and self._inflate.unused_data and self._file.seekable():
                self._file.seek(-len(self._inflate.unused_data), io.SEEK_CUR)
        buffer[: len(piece)] = piece
        return len(piece)

    def skip(self) -> None:
        """Go to its end."""
        while self.read(_PIECE):
            pass


class _Unread(io.RawIOBase):
    """What cannot be read; whoever tries is told why."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why

    def readable(self) -> bool:
        """Tell that one may try."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Tell why not."""
        raise Unpackable(self._why)


class _Pack:
    """The objects of a pack, put together again."""

    def __init__(self, file: Any) -> None:
        self.places: dict[bytes, int] = {}  # an object's name → where it begins
        self.ends: dict[int, int] = {}  # where objects end that were just read
        self._file = file
        self._held: OrderedDict[int, tuple[int, bytes]] = OrderedDict()
        self._held_bytes = 0

    def shown(self, start: int) -> io.IOBase:
        """Return what is to be searched of an object."""
        try:
            kind, base, content = self._read(start)
            self.ends[start] = self._file.tell()
            if kind in _WORDS:
                self._hold(start, kind, content)
                return io.BytesIO(content)
            kind, below = self._whole(base)
            whole, new = patched(below, content)
        except Unpackable as error:
            return _Unread(str(error))
        self._hold(start, kind, whole)
        return io.BytesIO(b"\n".join(whole[max(0, a - _AROUND) : b + _AROUND] for a, b in new))

    def _whole(self, start: int) -> tuple[int, bytes]:
        """Return an object's kind and content, however many others it builds on."""
        chain = []
        while start not in self._held:
            kind, base, content = self._read(start)
            chain.append((start, content))
            if kind in _WORDS:
                self._hold(start, kind, content)
                chain.pop()
                break
            start = base
        kind, content = self._held[start]
        for place, difference in reversed(chain):
            content, _ = patched(content, difference)
            self._hold(place, kind, content)
        return kind, content

    def _read(self, start: int) -> tuple[int, int, bytes]:
        self._file.seek(start)
        kind, size, base = _header(self._file, start)
        if size > _WHOLE_MOST:
            raise Unpackable("it builds on an object that is too large to be held")
        content = io.BufferedReader(Inflated(self._file)).read(size + 1)  # its end must be seen
        if len(content) != size:
            raise Unpackable("an object is not as long as it says")
        place = self.places.get(base, -1) if isinstance(base, bytes) else base
        if place < 0 and kind not in _WORDS:
            raise Unpackable("it builds on an object that is not in this pack")
        return kind, place, content

    def _hold(self, start: int, kind: int, content: bytes) -> None:
        name = hashlib.sha1(_WORDS[kind] + b" %d\0" % len(content) + content)
        self.places[name.digest()] = start
        if start not in self._held:
            self._held_bytes += len(content)
        self._held[start] = (kind, content)
        self._held.move_to_end(start)
        while self._held_bytes > _HELD_MOST and len(self._held) > 1:
            _, (_, gone) = self._held.popitem(last=False)
            self._held_bytes -= len(gone)


def _header(file: Any, start: int) -> tuple[int, int, Any]:
    """Read an object's kind, its size, and what it builds on: a place, or a name."""
    byte = _byte(file)
    kind, size, shift = byte >> 4 & 7, byte & 15, 4
    while byte & 128:
        byte = _byte(file)
        size |= (byte & 127) << shift
        shift += 7
    if kind == _NAME:
        return kind, size, file.read(20)
    if kind == _OFFSET:
        byte = _byte(file)
        back = byte & 127
        while byte & 128:
            byte = _byte(file)
            back = (back + 1) << 7 | byte & 127
        if not 0 < back < start:
            raise Unpackable("it builds on nothing")
        return kind, size, start - back
    if kind not in _WORDS:
        raise Unpackable("an object of no kind")
    return kind, size, -1


def _byte(file: Any) -> int:
    found = file.read(1)
    if not found:
        raise EOFError
    return int(found[0])


def patched(base: bytes, difference: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the object that a difference makes of another, and where it is new, or was put together."""
    try:
        return _patched(base, difference)
    except IndexError:
        raise Unpackable("a difference that was cut") from None


def _patched(base: bytes, difference: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    _, at = _number(difference, 0)
    size, at = _number(difference, at)
    if size > _WHOLE_MOST:
        raise Unpackable("an object that is too large to be put together")
    out = bytearray()
    new: list[tuple[int, int]] = []
    while at < len(difference) and len(out) <= size:
        word = difference[at]
        at += 1
        start = len(out)
        if word & 128:
            offset, length, at = _piece(difference, word, at)
            out += base[offset : offset + length]
            _note(new, start, start)
        else:
            out += difference[at : at + word]
            at += word
            _note(new, start, len(out))
    if len(out) != size:
        raise Unpackable("a difference that does not fit")
    return bytes(out), new


def _note(new: list[tuple[int, int]], start: int, end: int) -> None:
    """Add a place; what lies near the last one is shown with it."""
    if new and start - new[-1][1] <= 2 * _AROUND:
        new[-1] = (new[-1][0], end)
    else:
        new.append((start, end))


def _piece(difference: bytes, word: int, at: int) -> tuple[int, int, int]:
    numbers = [0, 0]
    for bit in range(7):
        if word >> bit & 1:
            which, shift = (0, bit) if bit < 4 else (1, bit - 4)
            numbers[which] |= difference[at] << 8 * shift
            at += 1
    return numbers[0], numbers[1] or 0x10000, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            return number, at
