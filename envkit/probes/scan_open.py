"""Look into one file, and into what is packed in it."""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from .scan_git import Inflated, Unpackable, packed
from .scan_rules import Hit, Rules
from .scan_stream import Needles, Source, Tee

_DEEPEST = 6  # an archive in an archive in …
_IN = " > "
_PIECE = 1 << 20
_BUFFER = 1 << 18
_IN_MEMORY = 64 << 20  # of an archive that must be read from its end; more goes to a file without a name
# What one file may unpack to: a bomb would be read for ever.
_UNPACKED_LEAST, _UNPACKED_MOST, _RATIO = 1 << 30, 16 << 30, 100
# Packages, and git's packs: what is in them came from elsewhere. Exact values are looked for all the same.
_PACKAGES = (".pack", ".whl", ".egg", ".deb", ".rpm", ".jar", ".conda", ".vsix", ".nupkg", ".apk")
_LOOSE = re.compile(r".*/objects/[0-9a-f]{2}/[0-9a-f]{38,62}", re.DOTALL)  # gitrepository-layout(5)
_DAMAGED = (EOFError, OSError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile, tarfile.TarError)

if TYPE_CHECKING:
    Members = Iterator[tuple[str, Source]]
    Kind = Callable[[Any, str], Members]


class TooMuch(Exception):
    """A file unpacks to more than is looked at."""


class Budget:
    """How many bytes a file may unpack to."""

    def __init__(self, size: int) -> None:
        self.left = min(_UNPACKED_MOST, max(_UNPACKED_LEAST, _RATIO * size))

    def take(self, size: int) -> None:
        """Take so many; TooMuch when there are none left."""
        self.left -= size
        if self.left < 0:
            raise TooMuch


class Opened:
    """What is known of one file when it was read to its end."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.unread: list[tuple[str, str]] = []  # (the file within it, why)
        self.text: bytes | None = None
        self.head = b""
        self.bytes = 0


class _Place(NamedTuple):
    """Where a file is: its path, through archives as through folders; its name within the first."""

    path: str
    inside: str


class Opener:
    """Reads files: the same for a container's and an image's."""

    def __init__(self, needles: Needles, rules: Rules, *, loose: bool) -> None:
        self._needles, self._rules, self._placed = needles, rules, rules.placed
        self._loose = loose  # whether texts are looked for that are secrets in any file

    def look(self, path: str, source: Source, size: int) -> Opened:
        """Read a file to its end; nothing that it is or holds ends the whole search."""
        opened = Opened()
        tee = Tee(source, self._needles, self._placed)
        try:
            self._read(_Place(path, ""), tee, source, opened, Budget(size))
        except TooMuch:
            opened.unread.append(("", "it unpacks to too much, and was not read to its end"))
            _drain(tee)
        self._judge(_Place(path, ""), tee, opened)
        opened.text, opened.head, opened.bytes = tee.text(), tee.head, tee.bytes
        return opened

    def named(self, path: str, opened: Opened) -> list[Hit]:
        """Return what a file that was read is by another of its names."""
        found = list(self._rules.by_path(path, opened.head))
        if opened.text is not None:
            found += self._rules.by_text(path, opened.text, loose=self._loose)
        return found

    def _packed(self, place: _Place, source: Source, opened: Opened, budget: Budget) -> None:
        """Read a file that is packed in another; what was found counts, however the reading ended."""
        tee = Tee(source, self._needles, self._placed)
        try:
            self._read(place, tee, source, opened, budget)
        finally:
            self._judge(place, tee, opened)

    def _read(self, place: _Place, tee: Tee, source: Source, opened: Opened, budget: Budget) -> None:
        stream = io.BufferedReader(tee, _BUFFER)
        try:
            kind = _kind(stream.peek(512), place.path)
            if kind in (_zip, _git):  # the list of one stands at its end, the other goes back and forth
                with ExitStack() as stack:
                    whole = source if source.seekable() else stack.enter_context(_copied(stream))
                    _drain(stream)
                    whole.seek(0)
                    self._members(kind, place, whole, opened, budget)
            elif kind is not None:
                self._members(kind, place, stream, opened, budget)
            _drain(stream)
        except _DAMAGED as error:
            why = str(error) if isinstance(error, Unpackable) else type(error).__name__
            opened.unread.append((place.inside, f"it cannot be read to its end ({why})"))

    def _members(self, kind: Kind, place: _Place, stream: Any, opened: Opened, budget: Budget) -> None:
        if place.inside.count(_IN) >= _DEEPEST:
            opened.unread.append((place.inside, "archives within archives, too deep"))
            return
        for name, member in kind(stream, os.path.basename(place.path)):
            inside = f"{place.inside}{_IN}{name}" if place.inside else name
            deeper = _Place(place.path + absolute(name), inside)
            self._packed(deeper, _Metered(member, budget), opened, budget)

    def _judge(self, place: _Place, tee: Tee, opened: Opened) -> None:
        hits = list(tee.hits)
        if not any(f"{ending}/" in place.path for ending in _PACKAGES):
            hits += self._rules.by_path(place.path, tee.head)
            text = tee.text()
            if text is not None:
                hits += self._rules.by_text(place.path, text, loose=self._loose)
        for hit in hits:
            opened.hits.append(hit._replace(inside=place.inside, span=None if place.inside else hit.span))


class _Metered(io.RawIOBase):
    """Reads what is unpacked, as far as the budget goes."""

    def __init__(self, source: Source, budget: Budget) -> None:
        super().__init__()
        self._source, self._budget = source, budget

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._source.read(size)
        self._budget.take(len(piece))
        return piece

    def seekable(self) -> bool:
        return False


def absolute(name: str) -> str:
    """Return an archive's name for a file as a path."""
    return "/" + (name[2:] if name.startswith("./") else name).lstrip("/")


def _copied(stream: Any) -> IO[bytes]:
    """Return a copy that can be read from any place: in memory, or in a file without a name."""
    copy: IO[bytes] = io.BytesIO()
    while True:
        piece = stream.read(_PIECE)
        if not piece:
            return copy
        if copy.tell() <= _IN_MEMORY < copy.tell() + len(piece):
            memory, copy = copy, tempfile.TemporaryFile()
            memory.seek(0)
            shutil.copyfileobj(memory, copy)
        copy.write(piece)


def _drain(stream: Any) -> None:
    while stream.read(_PIECE):
        pass


def _kind(head: bytes, path: str) -> Kind | None:
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return _tar
    if head[:1] == b"\x78" and _LOOSE.fullmatch(path):
        return _inflated
    return None


def _gzip(stream: Any, name: str) -> Members:
    import gzip

    yield _without(name, ".gz"), gzip.GzipFile(fileobj=stream)


def _bz2(stream: Any, name: str) -> Members:
    import bz2

    yield _without(name, ".bz2"), bz2.BZ2File(stream)


def _xz(stream: Any, name: str) -> Members:
    import lzma

    yield _without(name, ".xz"), lzma.LZMAFile(stream)


def _zstd(stream: Any, name: str) -> Members:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # Python 3.14 has it
    except ImportError:
        raise Unpackable("packed with zstd, which this Python does not unpack") from None
    yield _without(name, ".zst"), zstd.ZstdFile(stream)


def _deb(stream: Any, name: str) -> Members:
    """Read a Debian package: an archive of `ar` (deb(5)) with two archives in it."""
    stream.read(8)
    while True:
        head = stream.read(60)
        if not head:
            return
        if head[58:] != b"`\n":
            raise ValueError
        size = int(head[48:58])
        member = _Part(stream, size)
        yield head[:16].decode("ascii", "replace").rstrip(" /"), member
        member.read()
        if member.left:
            raise EOFError
        stream.read(size % 2)


class _Part(io.RawIOBase):
    """So many bytes of a stream."""

    def __init__(self, source: Source, size: int) -> None:
        super().__init__()
        self._source, self.left = source, size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._source.read(min(size, self.left) if size >= 0 else self.left)
        self.left -= len(piece)
        return piece

    def seekable(self) -> bool:
        return False


def _git(stream: Any, name: str) -> Members:
    yield from packed(stream)


def _zip(stream: Any, name: str) -> Members:
    with zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                with archive.open(entry) as member:
                    yield entry.filename, member


def _tar(stream: Any, name: str) -> Members:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for entry in archive:
            member = archive.extractfile(entry) if entry.isreg() else None
            if member is not None:
                yield entry.name, member


def _inflated(stream: Any, name: str) -> Members:
    yield "object", io.BufferedReader(Inflated(stream))


def _without(name: str, ending: str) -> str:
    return name[: -len(ending)] if name.endswith(ending) else f"what {name} packs"


_KINDS = (
    (b"\x1f\x8b\x08", _gzip),
    (b"BZh", _bz2),
    (b"\xfd7zXZ\x00", _xz),
    (b"\x28\xb5\x2f\xfd", _zstd),
    (b"PK\x03\x04", _zip),
    (b"!<arch>\ndebian-binary", _deb),
    (b"PACK\0\0\0", _git),
)
