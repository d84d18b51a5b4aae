"""Values that must not be in an image, and the forms in which they could be there. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field

# A shorter one, or a common word, stands in files that have nothing to do with it.
_SHORTEST = 8
_WORD = re.compile(rb"[a-z]{1,15}|[A-Z]{1,15}|[0-9]{1,11}")
_DISTINCT = 5
_SPACE = b" \t\r\n"


@dataclass(frozen=True, kw_only=True)
class Value:
    """A secret by its exact bytes. They are only ever in memory."""

    name: str
    bytes: bytes = field(repr=False)

    @property
    def is_telling(self) -> bool:
        """Tell whether finding it means anything: a short value, or a common word, is everywhere."""
        own = self.bytes.strip()
        return len(own) >= _SHORTEST and not _WORD.fullmatch(own) and len(set(own)) >= _DISTINCT


@dataclass(frozen=True, kw_only=True)
class Needle:
    """One form of a value."""

    name: str
    bytes: bytes = field(repr=False)
    squeezed: bool = False  # to be looked for where spaces and line ends are left out


def needles(values: tuple[Value, ...]) -> tuple[Needle, ...]:
    """Return every form of these values, each once; values that are not telling have none."""
    found: dict[tuple[bytes, bool], Needle] = {}
    for value in values:
        if not value.is_telling:
            continue
        own = value.bytes.strip()
        for form in (*_written(own), *_encoded(own), *_encoded(value.bytes)):
            found.setdefault((form, False), Needle(name=value.name, bytes=form))
        for form in (own, *_encoded(own), *_encoded(value.bytes)):
            tight = form.translate(None, _SPACE)
            if tight != form or len(tight) > _LINE:
                found.setdefault((tight, True), Needle(name=value.name, bytes=tight, squeezed=True))
    return tuple(found.values())


# PEM breaks its lines after 64 characters, MIME after 76; xxd -p and od after fewer.
_LINE = 30


def _written(value: bytes) -> Iterator[bytes]:
    """Yield it as it is, and as texts of several kinds hold it."""
    yield value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        yield urllib.parse.quote_from_bytes(value, safe="").encode()
        return
    yield from (text.encode("utf-16-le"), text.encode("utf-16-be"))
    yield from (json.dumps(text, ensure_ascii=ascii).encode()[1:-1] for ascii in (True, False))
    yield from (urllib.parse.quote(text, safe=safe).encode() for safe in ("", "/"))
    yield urllib.parse.quote_plus(text).encode()
    yield html.escape(text).encode()
    yield repr(text)[1:-1].encode()


def _encoded(value: bytes) -> Iterator[bytes]:
    """Yield it in hexadecimal, quoted whole, and in base64 at its three places within a longer text."""
    for digits in (value.hex(), value.hex().upper()):
        yield digits.encode()
        yield re.sub("(..)", r"%\1", digits).encode()
    for before, cut in ((0, 0), (1, 2), (2, 3)):
        # The first and the last characters also hold bits of what stands around it.
        after = (0, 3, 2)[(before + len(value)) % 3]
        coded = base64.b64encode(bytes(before) + value)
        middle = coded[cut : len(coded) - after]
        yield middle
        yield middle.translate(bytes.maketrans(b"+/", b"-_"))
