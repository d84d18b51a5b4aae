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


def main(plan: Dict[str, Any], out: Any = None, root: bytes = b"/") -> None:
    """List all, or folders alone; or hash the files that the plan names. `out` and `root` are a test's."""
    write = (out or sys.stdout.buffer).write
    if "hash" in plan:
        for path in plan["hash"]:
            write(hash_of(os.path.join(root, raw(path).strip(b"/"))).encode() + b"\n")
        return
    for record in records(root, folders=plan.get("folders", False)):
        write(record)


def records(root: bytes, *, folders: bool) -> Iterator[bytes]:
    """Yield a record for every path."""
    if folders:
        for path in sorted(_folders(root, b""), key=lambda name: name.split(b"/")):
            yield _record(root, path, os.lstat(os.path.join(root, path)), times=False)
        return
    for entry in walk(root, b"", Wish({"changes": []})):
        if entry.about is not None and entry.path not in EMPTY:
            yield _record(root, entry.path, entry.about, times=entry.path not in HIDDEN)


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


def _folders(root: bytes, folder: bytes) -> List[bytes]:
    """Return all folders below one; the kernel tells what is one, so that nothing else is looked at."""
    found = []
    with os.scandir(os.path.join(root, folder)) as entries:
        for entry in entries:
            path = os.path.join(folder, entry.name)
            if entry.is_dir(follow_symlinks=False) and path not in HIDDEN:
                found += [path, *_folders(root, path)]
    return found


def _record(root: bytes, name: bytes, about: os.stat_result, *, times: bool) -> bytes:
    path, mode = os.path.join(root, name), about.st_mode
    facts: List[object] = [oct(mode), about.st_uid, about.st_gid]
    if times:
        facts += [about.st_mtime_ns // 10**9]
    if stat.S_ISREG(mode):
        facts += [about.st_size, about.st_nlink]
    elif stat.S_ISLNK(mode):
        facts += [os.readlink(path)]
    elif not stat.S_ISDIR(mode):
        facts += [about.st_rdev]
    facts += attributes(path)
    very = "" if stat.S_ISDIR(mode) else f"{about.st_ino}:{about.st_ctime_ns}"
    return ascii(facts).encode() + b"\t" + very.encode() + b"\t" + name + b"\0"
