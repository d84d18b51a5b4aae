"""Trees of files by chance, and what an engine does with a layer: the OCI image specification in 60 lines."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import stat
import tarfile
from pathlib import Path

NAMES = (b"a", b"a-b", b"ab", b"b", b"\xc3\xa4", b"\xff\xfe", b"new\nline", b"tab\t", b"*", b"x" * 120)


def grow(root: Path, chance: random.Random, *, steps: int) -> None:
    """Do so many things to a tree: make, write, link, rename, remove, replace."""
    for number in range(steps):
        folder = chance.choice(_folders(root))
        path = os.path.join(folder, chance.choice(NAMES))
        if os.path.lexists(path) and chance.random() < 0.6:
            _remove(path)
        if not os.path.lexists(path):
            _make(path, os.fsencode(root), chance, number)
        elif chance.random() < 0.3:
            os.chmod(path, chance.choice((0o700, 0o755, 0o2775, 0o4711)), follow_symlinks=True) if not (
                os.path.islink(path)
            ) else None


def _make(path: bytes, root: bytes, chance: random.Random, number: int) -> None:
    kind = chance.choice(("folder", "folder", "file", "file", "link", "name", "pipe"))
    files = [name for name in _all(root) if stat.S_ISREG(os.lstat(name).st_mode)]
    if kind == "folder":
        os.mkdir(path)
    elif kind == "link":
        os.symlink(chance.choice((b"a", b"/nowhere", b"\xff" * 130)), path)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "name" and files:
        os.link(chance.choice(files), path)
    else:
        with open(path, "wb") as file:
            file.write(b"%d" % number * chance.choice((0, 1, 700)))
        os.utime(path, (0, chance.choice((0, -5, 1_700_000_000, 9_000_000_000))))


def apply(layer: bytes, root: Path) -> None:
    """Lay a layer over a tree, as the specification says."""
    base = os.fsencode(root)
    with tarfile.open(fileobj=io.BytesIO(layer), encoding="utf-8", errors="surrogateescape") as archive:
        folders = []
        for entry in archive:
            path = os.path.join(base, _raw(entry.name))
            folder, name = os.path.split(path)
            assert os.path.isdir(folder), f"{entry.name}: the layer lacks the folder"
            if name == b".wh..wh..opq":
                for inner in os.listdir(folder):
                    _remove(os.path.join(folder, inner))
            elif name.startswith(b".wh."):
                _remove(os.path.join(folder, name[4:]))
            else:
                _lay(archive, entry, path, base)
                folders += [(path, entry.mtime)] if entry.isdir() else []
        for path, when in reversed(folders):
            os.utime(path, (0, when))


def _lay(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: bytes, base: bytes) -> None:
    if os.path.lexists(path) and not (entry.isdir() and os.path.isdir(path) and not os.path.islink(path)):
        _remove(path)
    if entry.isdir():
        os.makedirs(path, exist_ok=True)
    elif entry.issym():
        os.symlink(_raw(entry.linkname), path)
        return
    elif entry.islnk():
        os.link(os.path.join(base, _raw(entry.linkname)), path)
        return
    elif entry.isfifo():
        os.mkfifo(path)
    else:
        content = archive.extractfile(entry)
        assert content is not None
        with open(path, "wb") as file:
            file.write(content.read())
    os.chmod(path, entry.mode)
    os.utime(path, (0, entry.mtime))


def seen(root: Path) -> dict[bytes, object]:
    """Return what a tree is: every path with its kind, mode, content, time and other names."""
    base = os.fsencode(root)
    links: dict[int, list[bytes]] = {}
    for path in _all(base):
        links.setdefault(os.lstat(path).st_ino, []).append(path[len(base) :])
    return {path[len(base) :]: _seen(path, links) for path in _all(base)}


def _seen(path: bytes, links: dict[int, list[bytes]]) -> object:
    about = os.lstat(path)
    if stat.S_ISLNK(about.st_mode):
        return os.readlink(path)
    facts = [oct(about.st_mode), about.st_uid, about.st_gid]
    if stat.S_ISREG(about.st_mode):
        with open(path, "rb") as file:
            facts += [hashlib.sha256(file.read()).hexdigest(), int(about.st_mtime_ns // 10**9)]
        facts += sorted(links[about.st_ino])
    return facts


def _folders(root: Path) -> list[bytes]:
    return [path for path, _, _ in sorted(os.walk(os.fsencode(root)))]


def _all(root: bytes) -> list[bytes]:
    return [
        os.path.join(top, name) for top, folders, files in sorted(os.walk(root)) for name in folders + files
    ]


def _remove(path: bytes) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
