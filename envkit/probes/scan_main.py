"""Search files of this container for secrets; print what was found as JSON, never a value.

The plan: `paths`, `needles`, `rules`. What cannot be read is said, never passed over in silence.
"""

from __future__ import annotations

import base64
import errno
import io
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from typing import IO, Any

from .scan_open import Opened, Opener
from .scan_rules import Hit, Rules, cut
from .scan_stream import Needles, hits_of

_EDITED_MOST = 1 << 20  # what is larger is no file that somebody wrote
_SMALL = 1 << 22  # read at once
_MANY = 10  # findings of one file that are told


def main(plan: dict[str, Any]) -> None:
    """Search, and print the report."""
    scan = Scan(plan)
    for path in plan["paths"]:
        for real in resolve(os.fsencode(path)):
            scan.look(real)
    json.dump(scan.report, sys.stdout)


class Scan:
    """One search through files."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._needles = Needles(plan["needles"])
        self._rules = Rules(plan["rules"])
        self._opener = Opener(self._needles, self._rules, loose=True)
        self.report: dict[str, Any] = {"hits": [], "unread": [], "files": 0, "bytes": 0}

    def look(self, path: bytes) -> None:
        """Look at one path."""
        name = os.fsdecode(path)
        if self._rules.is_never_saved(name):
            return
        try:
            facts = os.lstat(path)
            self._about(path, name, facts)
            if stat.S_ISREG(facts.st_mode):
                self._read(path, name)
        except (FileNotFoundError, NotADirectoryError):
            return  # it is gone
        except OSError as error:
            self._unread(name, "", f"it cannot be read ({errno.errorcode.get(error.errno or 0, '?')})")

    def _about(self, path: bytes, name: str, facts: os.stat_result) -> None:
        """Look at what stands around a file: its name, where a link leads, its attributes."""
        texts = [("in its name", os.path.basename(path))]
        if stat.S_ISLNK(facts.st_mode):
            texts.append(("where it leads to", os.readlink(path)))
        for key in _attributes(path):
            texts.append((f"in its attribute {key}", os.getxattr(path, key, follow_symlinks=False)))
        for where, text in texts:
            value = self._needles.find(text)
            if value is not None:
                self._hit(name, Hit(f"the value of {value}, {where}"), "drop")

    def _read(self, path: bytes, name: str) -> None:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb", buffering=0) as file:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                return
            source: IO[bytes] = file
            if facts.st_size <= _SMALL:
                source = io.BytesIO(file.read())
            elif facts.st_blocks * 512 < facts.st_size // 2:
                source = io.BufferedReader(_Data(file, facts.st_size))
            opened = self._opener.look(name, source, facts.st_size)
        self.report["files"] += 1
        self.report["bytes"] += opened.bytes
        for inside, why in opened.unread:
            self._unread(name, inside, why)
        self._judge(name, opened)

    def _judge(self, name: str, opened: Opened) -> None:
        if not opened.hits:
            return
        content = self._edited(name, opened)
        told = list(dict.fromkeys((hit.rule, hit.line, hit.inside) for hit in opened.hits))
        for rule, line, inside in told[:_MANY]:
            self._hit(name, Hit(rule, line, inside=inside), "drop" if content is None else "edit", content)

    def _edited(self, name: str, opened: Opened) -> bytes | None:
        """Return a text without what was found in it; None when nothing but its absence helps."""
        text = opened.text
        if text is None or len(text) > _EDITED_MOST or not all(hit.span for hit in opened.hits):
            return None
        if b"\0" in text:
            return None
        new = cut(text, opened.hits)
        again = self._opener.look(name, io.BytesIO(new), len(new))
        return None if again.hits or hits_of(new, self._needles, b"") else new

    def _hit(self, path: str, hit: Hit, remedy: str, content: bytes | None = None) -> None:
        row: dict[str, Any] = {"path": path, "rule": hit.rule, "line": hit.line, "remedy": remedy}
        row["inside"] = self._masked(hit.inside)
        row["shown"] = self._masked(path)
        row["content"] = None if content is None else base64.b64encode(content).decode()
        self.report["hits"].append(row)

    def _unread(self, path: str, inside: str, why: str) -> None:
        where = f"{path} ({inside} in it)" if inside else path
        self.report["unread"].append({"path": self._masked(where), "why": why})

    def _masked(self, text: str) -> str:
        return os.fsdecode(self._needles.mask(os.fsencode(text), self._rules.placed))


class _Data(io.RawIOBase):
    """A file without its holes: a sparse one may be larger than all disks."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__()
        self._file, self._size = file, size
        self._at = self._end = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._end:
            try:
                self._at = os.lseek(self._file.fileno(), self._end, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole to its end
                    return 0
                raise
            self._end = os.lseek(self._file.fileno(), self._at, os.SEEK_HOLE)
        piece = os.pread(self._file.fileno(), min(len(buffer), self._end - self._at), self._at)
        self._at += len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


def _attributes(path: bytes) -> list[str]:
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError:
        return []  # not every filesystem has them


def resolve(path: bytes) -> Iterator[bytes]:
    """Yield the path; where the engine could not spell a name, all that it can mean.

    An engine tells changes as JSON, where bytes that are no UTF-8 become U+FFFD.
    """
    mark = "\ufffd".encode()
    if mark not in path or os.path.lexists(path):
        yield path
        return
    folder, name = os.path.split(path)
    meant = re.compile(
        b".+".join(re.escape(part) for part in re.split(b"(?:" + mark + b")+", name)), re.DOTALL
    )
    for real in resolve(folder):
        try:
            names = os.listdir(real)
        except OSError:
            continue
        yield from (os.path.join(real, one) for one in sorted(names) if meant.fullmatch(one))
