"""Search the bytes of an image for secrets: an archive as `docker save` writes it, read once.

The plan: `path` (a file, or a pipe) or `layers` (a folder in which they are being written), `needles`,
`rules`, `loose`. Each file of each layer is looked at, also those that a later layer hides.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
import zlib
from typing import IO, Any

from .scan_growing import layers
from .scan_open import Opened, Opener, absolute
from .scan_rules import Hit, Rules
from .scan_stream import Needles, hits_of

_BUFFER = 1 << 20
_SMALL = 16 << 20  # of what stands around the layers: configs, indexes
_MANY = 10
_BROKEN = (tarfile.TarError, EOFError, OSError, zlib.error)
_TEXTS = "its settings or history"


def main(plan: dict[str, Any]) -> None:
    """Search, and print the report."""
    scan = Archive(plan)
    if "layers" in plan:
        scan.read_layers(plan["layers"])
    else:
        with open(plan["path"], "rb", buffering=_BUFFER) as file:
            scan.read(file)
    json.dump(scan.report, sys.stdout)


class Archive:
    """One search through an image's archive."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._needles = Needles(plan["needles"])
        self._rules = Rules(plan["rules"])
        self._opener = Opener(self._needles, self._rules, loose=plan["loose"])
        self.report: dict[str, Any] = {
            "hits": [], "unread": [], "files": 0, "bytes": 0, "layers": [], "ended": False,
        }  # fmt: skip
        self._last: tuple[str, Opened | None] = ("", None)  # the file that was read last

    def read_layers(self, folder: str) -> None:
        """Read layers as they are written, each to its end; there may be none."""
        try:
            for name, stream in layers(folder):
                self._layer(name, stream)  # type: ignore[arg-type]
            self.report["ended"] = True
        except _BROKEN as error:
            self._broken(error)

    def read(self, file: IO[bytes]) -> None:
        """Read an archive to its end; `ended` tells whether it was whole."""
        try:
            with tarfile.open(fileobj=file, mode="r|", bufsize=_BUFFER) as archive:
                for entry in archive:
                    member = archive.extractfile(entry) if entry.isreg() else None
                    if member is not None:
                        self._member(entry.name, io.BufferedReader(member, _BUFFER), entry.size)  # type: ignore[arg-type]
            self.report["ended"] = bool(self.report["layers"])
        except _BROKEN as error:
            self._broken(error)
        while file.read(_BUFFER):
            pass

    def _broken(self, error: Exception) -> None:
        why = f"its archive is broken ({type(error).__name__})"
        self.report["unread"].append({"path": "the image", "why": why})

    def _member(self, name: str, member: io.BufferedReader, size: int) -> None:
        head = member.peek(512)
        if head.startswith(b"\x28\xb5\x2f\xfd"):
            self.report["unread"].append(
                {"path": name, "why": "a layer packed with zstd, which Python does not unpack"}
            )
        elif head.startswith(b"\x1f\x8b"):
            self._layer(name, gzip.GzipFile(fileobj=member))  # type: ignore[arg-type]
        elif head[257:262] == b"ustar" or (not head.strip(b"\0") and name.endswith("layer.tar")):
            self._layer(name, member)
        else:
            self._settings(name, member.read(_SMALL), size)

    def _settings(self, name: str, text: bytes, size: int) -> None:
        if size > _SMALL:
            self.report["unread"].append(
                {"path": name, "why": "it is no layer, and larger than settings are"}
            )
        if name == "manifest.json":
            self.report["manifest"] = json.loads(text)
        for hit in hits_of(text, self._needles, b""):
            self._hits(name, _TEXTS, [hit])

    def _layer(self, name: str, stream: IO[bytes]) -> None:
        self.report["layers"].append(name)
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_BUFFER, errors="surrogateescape") as layer:
            for entry in layer:
                self._entry(name, layer, entry)
        while stream.read(_BUFFER):
            pass

    def _entry(self, layer: str, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        path = absolute(entry.name)
        texts: list[tuple[str, str]] = [("in its name", entry.name), ("where it leads to", entry.linkname)]
        texts += [(f"in its attribute {key}", text) for key, text in entry.pax_headers.items()]
        for where, text in texts:
            value = self._needles.find(text.encode("utf-8", "surrogateescape"))
            if value is not None:
                self._hits(layer, path, [Hit(f"the value of {value}, {where}")])
        if entry.islnk():
            self._other_name(layer, path, absolute(entry.linkname))
        member = archive.extractfile(entry) if entry.isreg() else None
        if member is None:
            return
        opened = self._opener.look(path, _Read(member), entry.size)
        self._last = (path, opened)
        self.report["files"] += 1
        self.report["bytes"] += opened.bytes
        self._hits(layer, path, opened.hits)
        for inside, why in opened.unread:
            where = f"{path} ({inside} in it)" if inside else path
            self.report["unread"].append({"path": self._masked(where), "why": why})

    def _other_name(self, layer: str, path: str, target: str) -> None:
        """Hold a further name of a file against the rules: our layers have all of them together."""
        name, opened = self._last
        if opened is not None and name == target:
            self._hits(layer, path, self._opener.named(path, opened))

    def _hits(self, layer: str, path: str, hits: list[Hit]) -> None:
        for rule, line, inside in list(dict.fromkeys((hit.rule, hit.line, hit.inside) for hit in hits))[
            :_MANY
        ]:
            row = {"member": layer, "path": path, "shown": self._masked(path), "rule": rule, "line": line}
            row["inside"] = self._masked(inside)
            self.report["hits"].append(row)

    def _masked(self, text: str) -> str:
        return os.fsdecode(self._needles.mask(os.fsencode(text), self._rules.placed))


class _Read(io.RawIOBase):
    """A file of a layer, which comes once."""

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size)

    def seekable(self) -> bool:
        return False
