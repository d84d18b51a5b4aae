"""Search what is read for exact bytes as it passes by, in pieces: none hides what two of them hold."""

from __future__ import annotations

import base64
import io
import sys
from typing import Any, Protocol

from .scan_rules import HEAD_BYTES, Hit

_SPACE = b" \t\r\n"
_MANY = 50  # hits in one file: enough to know what to do with it
TEXT_MOST = 8 << 20  # of a text that patterns are held against
_WORD = 8  # bytes, that are looked up as one number
_STRIDE = 4  # every so many words one is looked up
_LONG = _STRIDE * _WORD + _WORD - 1  # what is so long holds one of them, wherever it lies


class Source(Protocol):
    """What can be read, and perhaps read again."""

    def read(self, size: int = ..., /) -> Any:
        """Read a piece."""

    def seekable(self) -> bool:
        """Tell whether it can be read again."""

    def seek(self, offset: int, /) -> Any:
        """Go to a place."""


class Forms:
    """Byte strings, most of them long: one look-up tells that none of those is in a piece, or where to look.

    Three tokens have 33 forms: to look for each takes more than twice as long (measured on shared libraries).
    """

    def __init__(self, forms: list[tuple[str, bytes]]) -> None:
        self.all = forms
        self._short = [(name, form) for name, form in forms if len(form) < _LONG]
        self._words = {
            int.from_bytes(form[at : at + _WORD], sys.byteorder)
            for _, form in forms
            if len(form) >= _LONG
            for at in range(len(form) - _WORD + 1)
        }

    def likely(self, window: bytes) -> list[tuple[str, bytes]]:
        """Return what may be in it: all that is."""
        if not self._words:
            return self._short
        words = memoryview(window)[: len(window) // _WORD * _WORD].cast("Q")[::_STRIDE].tolist()
        return self._short if self._words.isdisjoint(words) else self.all


class Needles:
    """The forms of the values (envkit/save/values.py makes them)."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        found = [(row["name"], base64.b64decode(row["bytes"]), row["squeezed"]) for row in rows]
        self.plain = [(name, form) for name, form, squeezed in found if not squeezed]
        self.squeezed = [(name, form) for name, form, squeezed in found if squeezed]
        self.plain_forms, self.squeezed_forms = Forms(self.plain), Forms(self.squeezed)
        # What is squeezed may be broken into lines, and indented: three times as long at the most.
        self.longest = max([0, *(len(form) for _, form in self.plain)])
        self.overlap = max([self.longest, *(3 * len(form) for _, form in self.squeezed)])

    def find(self, text: bytes) -> str | None:
        """Return the name of a value that is in a short text."""
        return next((name for name, form in self.plain if form in text), None)

    def mask(self, text: bytes, instead: bytes) -> bytes:
        """Return a short text without any value."""
        for _, form in self.plain:
            text = text.replace(form, instead)
        return text


class Tee(io.RawIOBase):
    """Hands on what it reads, and searches it."""

    def __init__(self, source: Source, needles: Needles, placed: bytes) -> None:
        super().__init__()
        self.hits: list[Hit] = []
        self.bytes = 0
        self.head = b""
        self.is_text = True
        self._source, self._needles, self._placed = source, needles, placed
        self._tail = b""
        self._lines = 0  # before the tail
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next piece."""
        piece = self._source.read(len(buffer))
        if piece:
            self._pass(piece)
            buffer[: len(piece)] = piece
        return len(piece)

    def text(self) -> bytes | None:
        """Return all that passed, where it is a text, or what holds texts, and not too long."""
        return b"".join(self._kept) if self.is_text and self._kept_bytes <= TEXT_MOST else None

    def _pass(self, piece: bytes) -> None:
        if not self.bytes:
            self.is_text = _is_text(piece)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
        if self.is_text and self._kept_bytes <= TEXT_MOST:
            self._kept.append(piece)
            self._kept_bytes += len(piece)
        if self._needles.plain:
            self._search(piece)
        self.bytes += len(piece)

    def _search(self, piece: bytes) -> None:
        seen = len(self._tail)
        window = self._tail + piece
        start = self.bytes - seen
        for name, form in self._needles.plain_forms.likely(window):
            at = window.find(form, max(0, seen - len(form) + 1))
            while at >= 0 and len(self.hits) < _MANY:
                line = self._lines + window.count(b"\n", 0, at) + 1 if self.is_text else None
                self.hits.append(
                    Hit(f"the value of {name}", line, (start + at, start + at + len(form)), self._placed)
                )
                at = window.find(form, at + len(form))
        if self._needles.squeezed and self.is_text:
            self._search_tight(window.translate(None, _SPACE))
        self._tail = window[max(0, len(window) - self._needles.overlap) :]
        if self.is_text:
            self._lines += window.count(b"\n", 0, len(window) - len(self._tail))

    def _search_tight(self, window: bytes) -> None:
        for name, form in self._needles.squeezed_forms.likely(window):
            rule = f"the value of {name}"
            if form in window and not any(hit.rule == rule for hit in self.hits):
                self.hits.append(Hit(rule))


def _is_text(piece: bytes) -> bool:
    if b"\0" not in piece[:8192]:
        return True
    # What holds texts as they are: a database, and Python's compiled modules (their magic ends in \r\n).
    return piece.startswith(b"SQLite format 3\0") or piece[2:4] == b"\r\n"


def hits_of(text: bytes, needles: Needles, placed: bytes) -> tuple[Hit, ...]:
    """Return what is in a text that is at hand as a whole."""
    tee = Tee(io.BytesIO(text), needles, placed)
    while tee.read(1 << 20):
        pass
    return tuple(tee.hits)
