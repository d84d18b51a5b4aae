"""What of a file system goes into a layer, in which order: entries, deletions, whole folders.

All names are bytes: a file may be called anything but `/` and NUL. Everything is looked at below `root`.
"""

from __future__ import annotations

import os
import stat
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

WHITEOUT = b".wh."  # OCI image layer specification, "Whiteouts"
# In a container these are other file systems; what an image holds there is hidden, and never used.
HIDDEN = {b"proc", b"sys", b"dev"}
EMPTY = {b"etc/hosts", b"etc/hostname", b"etc/resolv.conf"}  # the engine mounts its own over them
OWN = {b".dockerenv"}


class Entry(NamedTuple):
    """A path, relative, and how it lies there; without `about` it is a deletion."""

    path: bytes
    about: Optional[os.stat_result]


class Wish:
    """What to pick: changed paths (None: everything), and what stays out."""

    def __init__(self, plan: Dict[str, Any]) -> None:
        changes = plan.get("changes")
        self.everything = changes is None
        self.paths: Dict[bytes, bool] = {}  # path → whether it was deleted, at least for a while
        for kind, path in changes or ():
            name = raw(path).strip(b"/")
            self.paths[name] = self.paths.get(name, False) or kind == "deleted"
        self._drop = {raw(path).strip(b"/") for path in plan.get("drop", ())}

    def takes(self, path: bytes) -> bool:
        """Tell whether a changed path goes in: not dropped, and not the engine's own."""
        own = not path or path in OWN or path in EMPTY or path.split(b"/")[0] in HIDDEN
        return not own and not self.drops(path)

    def drops(self, path: bytes) -> bool:
        """Tell whether a path stays out: itself, or because of a folder above it."""
        if not self._drop:
            return False
        return path in self._drop or any(above in self._drop for above in ancestors(path))


def raw(text: str) -> bytes:
    """Return a name as it lies on disk."""
    return text.encode("utf-8", "surrogateescape")


def ancestors(path: bytes) -> List[bytes]:
    """Return the folders above a path, the top one first, without the root."""
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[: count + 1]) for count in range(len(parts))]


def look(root: bytes, path: bytes) -> Optional[os.stat_result]:
    """Return how a path lies there; None when it does not."""
    try:
        return os.lstat(os.path.join(root, path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def pick(root: bytes, wish: Wish) -> Iterator[Entry]:
    """Yield what goes into the layer; folders come before what is in them."""
    if wish.everything:
        yield from walk(root, b"", wish)
        return
    whole = b""  # the opaque folder that was walked last: what is below it has been seen
    for path in sorted(wish.paths, key=lambda name: name.split(b"/")):
        if (whole and path.startswith(whole)) or not wish.takes(path) or not _is_below_folders(root, path):
            continue
        about = look(root, path)
        if about is None:
            yield from [Entry(path, None)] if wish.paths[path] else []
            continue
        if _can_be_kept(path, about):
            yield Entry(path, about)
        if wish.paths[path] and stat.S_ISDIR(about.st_mode):
            whole = path + b"/"
            yield from walk(root, path, wish)


def walk(root: bytes, folder: bytes, wish: Wish) -> Iterator[Entry]:
    """Yield everything below a folder, sorted; not by recursion: a tree has a hundred thousand paths."""
    waiting = _names(root, folder)
    while waiting:
        path = waiting.pop()
        if wish.drops(path) or path in OWN:
            continue
        about = look(root, path)
        if about is None or not _can_be_kept(path, about):
            continue
        yield Entry(path, about)
        if stat.S_ISDIR(about.st_mode) and path not in HIDDEN:
            waiting += _names(root, path)


def _names(root: bytes, folder: bytes) -> List[bytes]:
    """Return the paths in a folder, the first one last."""
    before = folder + b"/" if folder else b""
    return [before + name for name in sorted(os.listdir(os.path.join(root, folder)), reverse=True)]


def linked(root: bytes, wish: Wish) -> Dict[Tuple[int, int], List[bytes]]:
    """Return the files that are picked under several names: inode → names."""
    found: Dict[Tuple[int, int], List[bytes]] = {}
    for entry in pick(root, wish):
        about = entry.about
        if about is not None and about.st_nlink > 1 and not stat.S_ISDIR(about.st_mode):
            found.setdefault((about.st_dev, about.st_ino), []).append(entry.path)
    return {inode: names for inode, names in found.items() if len(names) > 1}


def opaque(root: bytes, wish: Wish) -> Set[bytes]:
    """Return the folders that were made anew: they hide all that lower layers have in them."""
    found = ((path, look(root, path)) for path, deleted in wish.paths.items() if deleted)
    return {path for path, about in found if about is not None and stat.S_ISDIR(about.st_mode)}


def unkept(root: bytes, wish: Wish) -> Set[bytes]:
    """Return the wished paths that no layer can hold: sockets, and names that mean a deletion."""
    return {
        path
        for path in wish.paths
        for about in [look(root, path)]
        if about is not None and not wish.drops(path) and not _can_be_kept(path, about)
    }


def _can_be_kept(path: bytes, about: os.stat_result) -> bool:
    hides = WHITEOUT in path and os.path.basename(path).startswith(WHITEOUT)
    return not stat.S_ISSOCK(about.st_mode) and not hides


def _is_below_folders(root: bytes, path: bytes) -> bool:
    """Tell whether all above a path are folders; if one went, or is a link now, that says it all."""
    above = (look(root, folder) for folder in ancestors(path))
    return all(about is not None and stat.S_ISDIR(about.st_mode) for about in above)
