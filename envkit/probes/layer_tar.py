"""Write picked files as layers: tar archives (pax), cut between two files where one would get too large.

They go to stdout in frames: a letter, a length, so many bytes. `d` is a part of a layer, `e` the layer's end,
`z` the end of all, with what there is to say as JSON.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import struct
import sys
import tarfile
from typing import Any, BinaryIO, Dict, Iterator, List, Set

from .layer_pick import (
    EMPTY,
    HIDDEN,
    WHITEOUT,
    Entry,
    Wish,
    ancestors,
    linked,
    look,
    opaque,
    pick,
    raw,
    unkept,
)

FRAME = struct.Struct(">cQ")
_PART = 1 << 20
_BLOCK = 512
_ROUND = 20 * _BLOCK  # an archive is a multiple of this (tar's records), and ends with two empty blocks
# How the engine's storage marks its own, and what the machine says of a file; neither is the file's.
_NOT_ITS_OWN = ("trusted.", "security.selinux", "security.ima", "security.evm")


def main(plan: Dict[str, Any], out: Any = None, root: bytes = b"/") -> None:
    """Write what the plan wishes; `out` and `root` are a test's."""
    frames = Frames(out or sys.stdout.buffer)
    wish = Wish(plan)
    replace = {
        raw(path).strip(b"/"): base64.b64decode(text) for path, text in plan.get("replace", {}).items()
    }
    layers = Layers(root, frames, plan["cap_bytes"], replace)
    layers.opaque = opaque(root, wish)
    for group in groups(root, wish):
        layers.add(group)
    layers.end()
    left_out = sorted(path.decode("utf-8", "surrogateescape") for path in unkept(root, wish))
    frames.send(b"z", json.dumps({"entries": layers.entries, "left_out": left_out}).encode())


def groups(root: bytes, wish: Wish) -> Iterator[List[Entry]]:
    """Yield what must be in one layer: a file alone, or all names of one that has several."""
    links = linked(root, wish)
    for entry in pick(root, wish):
        inode = (entry.about.st_dev, entry.about.st_ino) if entry.about is not None else (0, 0)
        names = links.get(inode)
        if names is None or entry.about is None or stat.S_ISDIR(entry.about.st_mode):
            yield [entry]
        elif names[0] == entry.path:
            yield [Entry(name, entry.about) for name in names]


class Frames:
    """What goes to the reader; small parts of a layer are sent together."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._waiting = bytearray()

    def write(self, part: bytes) -> None:
        """Take a part of the layer."""
        self._waiting += part
        if len(self._waiting) >= _PART:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting:
            self._out.write(FRAME.pack(b"d", len(self._waiting)))
            self._out.write(self._waiting)
            self._waiting = bytearray()

    def send(self, letter: bytes, content: bytes = b"") -> None:
        """Send a frame after all that waits."""
        self.flush()
        self._out.write(FRAME.pack(letter, len(content)) + content)
        self._out.flush()


class Layers:
    """One layer after another; each holds the folders above its files, as they are."""

    def __init__(self, root: bytes, frames: Frames, cap_bytes: int, replace: Dict[bytes, bytes]) -> None:
        self.entries = 0
        self.opaque: Set[bytes] = set()  # folders that hide what is below; once hidden, they go from here
        self._root, self._frames, self._cap, self._replace = root, frames, cap_bytes, replace
        self._size = 0
        self._folders: Set[bytes] = set()  # that this layer has already

    def add(self, group: List[Entry]) -> None:
        """Write entries into one layer, a new one when they would make this one too large."""
        need = sum(self._room(entry) for entry in group[:1]) + 3 * _BLOCK * len(group)
        if self._size and self._size + need > self._cap:
            self.end()
        for number, entry in enumerate(group):
            for folder in ancestors(entry.path):
                self._folder(Entry(folder, look(self._root, folder)))
            if entry.about is not None and stat.S_ISDIR(entry.about.st_mode):
                self._folder(entry)
            elif number and not {entry.path, group[0].path} & set(self._replace):
                self._one(entry, link=group[0].path)
            else:
                self._one(entry)

    def end(self) -> None:
        """End this layer, if there is one."""
        if self._size:
            self._write(bytes(2 * _BLOCK))
            self._write(bytes(-self._size % _ROUND))
            self._frames.send(b"e")
        self._size = 0
        self._folders.clear()

    def _room(self, entry: Entry) -> int:
        """Return how much the content of an entry takes."""
        if entry.about is None or not stat.S_ISREG(entry.about.st_mode):
            return 0
        return len(self._replace[entry.path]) if entry.path in self._replace else entry.about.st_size

    def _folder(self, entry: Entry) -> None:
        if entry.path not in self._folders:
            self._folders.add(entry.path)
            self._one(entry)
        if entry.path in self.opaque:
            self.opaque.remove(entry.path)
            self._one(Entry(os.path.join(entry.path, WHITEOUT + WHITEOUT + b".opq"), None), marker=True)

    def _one(self, entry: Entry, link: bytes = b"", marker: bool = False) -> None:
        """Write one entry: its header, then its content."""
        self.entries += 1
        info = tarfile.TarInfo()
        info.mode = 0
        if entry.about is None:
            folder, name = os.path.split(entry.path)
            info.name = _text(entry.path if marker else os.path.join(folder, WHITEOUT + name))
            self._header(info)
            return
        self._describe(info, entry, link)
        self._header(info)
        if info.type == tarfile.REGTYPE:
            self._content(entry.path, info.size)

    def _describe(self, info: tarfile.TarInfo, entry: Entry, link: bytes) -> None:
        about, path = entry.about, os.path.join(self._root, entry.path)
        assert about is not None
        info.name, info.mode = _text(entry.path), stat.S_IMODE(about.st_mode)
        info.uid, info.gid = about.st_uid, about.st_gid
        info.mtime = about.st_mtime_ns // 10**9  # whole seconds, as the engine writes them
        info.type = _type(about.st_mode)
        if entry.path in HIDDEN or entry.path in EMPTY:  # what is seen here is not the image's
            info.uid = info.gid = info.mtime = 0
            info.mode = 0o755 if stat.S_ISDIR(about.st_mode) else 0o644
            return
        if link:
            info.type, info.linkname = tarfile.LNKTYPE, _text(link)
            return
        if info.type == tarfile.SYMTYPE:
            info.linkname = _text(os.readlink(path))
        if info.type in (tarfile.CHRTYPE, tarfile.BLKTYPE):
            info.devmajor, info.devminor = os.major(about.st_rdev), os.minor(about.st_rdev)
        if info.type == tarfile.REGTYPE:
            info.size = self._room(entry)
        info.pax_headers = {f"SCHILY.xattr.{name}": _text(value) for name, value in attributes(path)}

    def _content(self, path: bytes, size: int) -> None:
        if path in self._replace:
            self._write(self._replace[path])
        elif size:
            with open(os.path.join(self._root, path), "rb") as file:
                left = size
                while left:
                    part = file.read(min(left, _PART))
                    if not part:
                        raise SystemExit(f"{_text(path)!r} got shorter while it was read")
                    self._write(part)
                    left -= len(part)
        self._write(bytes(-size % _BLOCK))

    def _header(self, info: tarfile.TarInfo) -> None:
        self._write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))

    def _write(self, part: bytes) -> None:
        self._size += len(part)
        self._frames.write(part)


def attributes(path: bytes) -> List[Any]:
    """Return a file's extended attributes, sorted; nothing where there are none to be had."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return []
    return [
        (name, os.getxattr(path, name, follow_symlinks=False))
        for name in sorted(names)
        if not name.startswith(_NOT_ITS_OWN)
    ]


def _type(mode: int) -> bytes:
    kinds = {
        stat.S_IFREG: tarfile.REGTYPE,
        stat.S_IFDIR: tarfile.DIRTYPE,
        stat.S_IFLNK: tarfile.SYMTYPE,
        stat.S_IFIFO: tarfile.FIFOTYPE,
        stat.S_IFCHR: tarfile.CHRTYPE,
        stat.S_IFBLK: tarfile.BLKTYPE,
    }
    return kinds[stat.S_IFMT(mode)]


def _text(name: bytes) -> str:
    """Return bytes as the text that tarfile writes as these bytes again."""
    return name.decode("utf-8", "surrogateescape")
