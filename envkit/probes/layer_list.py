"""List a tree, sorted: each path with what it is, so that two lists tell what differs; or hash some files.

A record is what the path is, a tab, which very file it is, a tab, the path, NUL. A path that two images share
lies in one layer of both: it is the same inode, changed at the same time, and nobody has to read it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from typing import Any, Dict, Iterator, List

from .layer_pick import EMPTY, HIDDEN, Wish, raw, walk
from .layer_tar import attributes

_PART = 1 << 20
_NOBODY = "-"
# The engine makes the link when it starts a container, in an image that has none: both then tell that time.
_STARTED = {b"etc", b"etc/mtab"}


def main(plan: Dict[str, Any], out: Any = None, root: bytes = b"/") -> None:
    """List all, or hash the files that the plan names. `out` and `root` are a test's."""
    write = (out or sys.stdout.buffer).write
    if "hash" in plan:
        for path in plan["hash"]:
            write(hash_of(os.path.join(root, raw(path).strip(b"/"))).encode() + b"\n")
        return
    for record in records(root):
        write(record)


def records(root: bytes) -> Iterator[bytes]:
    """Yield a record for every path."""
    for entry in walk(root, b"", Wish({"changes": []})):
        if entry.about is not None and entry.path not in EMPTY:
            yield _record(root, entry.path, entry.about)


def hash_of(path: bytes) -> str:
    """Return a file's content as a hash; `-` for what is no plain file, or is not there."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return _NOBODY
        found = hashlib.sha256()
        with open(path, "rb") as file:
            while True:
                part = file.read(_PART)
                if not part:
                    return found.hexdigest()
                found.update(part)
    except (FileNotFoundError, NotADirectoryError):
        return _NOBODY


def _record(root: bytes, name: bytes, about: os.stat_result) -> bytes:
    path, mode = os.path.join(root, name), about.st_mode
    facts: List[object] = [mode, about.st_uid, about.st_gid]
    if name not in HIDDEN and name not in _STARTED:
        facts.append(int(about.st_mtime_ns // 10**9))
    if stat.S_ISDIR(mode):
        very = ""
    else:
        facts.append(about.st_nlink)
        facts.append(_own(path, about))
        very = f"{about.st_ino}:{about.st_ctime_ns}"
    facts += attributes(path)
    return f"{facts!a}\t{very}\t".encode() + name + b"\0"


def _own(path: bytes, about: os.stat_result) -> object:
    if stat.S_ISREG(about.st_mode):
        return about.st_size
    return os.readlink(path) if stat.S_ISLNK(about.st_mode) else about.st_rdev
