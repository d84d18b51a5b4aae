"""Look at a cache folder: what an entry is, when it was last used, who uses it now.

All work goes through handles of folders (dir_fd, O_NOFOLLOW), on one mount, never along a link.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from typing import Any

MARKER, TAG, TRASH = ".envkit-cache", "CACHEDIR.TAG", ".envkit-trash"
JOURNAL = ".envkit-journal.jsonl"
OURS = {MARKER, TAG, TRASH, JOURNAL, JOURNAL + ".1"}

# What an entry is: a child of one of these folders that is not such a folder itself; anything else at the
# top is one. So a model of the hub dies with its blobs, and does not live as long as any other model is used.
# `*` is any name: pip's http cache is five letters deep, its wheels three pairs. uv and npm link between
# their own folders: each is one entry.
SHELVES: dict[str, Any] = {
    "pip": {"http-v2": {"*": {"*": {"*": {"*": {}}}}}, "wheels": {"*": {"*": {"*": {}}}}},
    "huggingface": {"hub": {".locks": {}}, "datasets": {}, "xet": {}, "assets": {}},
    "torch": {"hub": {"checkpoints": {}}, "kernels": {}},
    "inductor": {"fxgraph": {"*": {}}, "aotautograd": {"*": {}}, "triton": {"*": {}}},
    "triton": {},
    "xdg": {},
}
# A login is no copy of anything.
KEPT = {"huggingface/token", "huggingface/stored_tokens"}

DAY = 86_400.0
# Reading there need not change the access time: the client answers from its own memory.
NETWORK = ("nfs", "lustre", "fuse", "cifs", "smb", "ceph", "9p", "beegfs", "gpfs", "gfs", "afs", "virtiofs")
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(Exception):
    """Nothing was done: why, and what to do."""


def open_folder(name: str, dir_fd: int | None = None) -> int:
    """Open a folder, never along a link, and without leaving a trace of having read it."""
    try:
        return os.open(name, FOLDER | os.O_NOATIME, dir_fd=dir_fd)
    except PermissionError:  # only its owner may read without a trace
        return os.open(name, FOLDER, dir_fd=dir_fd)


def mount_of(fd: int) -> int:
    """Return the id of the mount that a handle lies on; 0 where the kernel does not tell."""
    try:
        with open(f"/proc/self/fdinfo/{fd}", "rb") as file:
            for line in file:
                if line.startswith(b"mnt_id:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def mount_facts(mount: int) -> tuple[str, str, str]:
    """Return a mount's filesystem, options and device, as `maps` and `locks` write that (`08:01`)."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            for line in file:
                words = line.decode("utf-8", "replace").split()
                if words[0] == str(mount):
                    return words[words.index("-") + 1], words[5], _hexadecimal(*words[2].split(":"))
    except OSError:
        pass
    return "unknown", "", ""


def _hexadecimal(major: str, minor: str) -> str:
    return f"{int(major):02x}:{int(minor):02x}"


def inodes_in_use(device: int, mount_device: str) -> set[int]:
    """Return what of a device any process that can be seen has open, mapped, locked, or for its folder.

    By number: in a container a file has another path. Btrfs gives two names to one device: hence both.
    """
    names = {mount_device.encode(), _hexadecimal(str(os.major(device)), str(os.minor(device))).encode()}
    used: set[int] = set()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        base = "/proc/" + pid
        try:
            links = [base + "/cwd", base + "/exe", *(base + "/fd/" + fd for fd in os.listdir(base + "/fd"))]
            with open(base + "/maps", "rb") as file:
                mapped = (line.split(None, 5) for line in file)
                used.update(int(words[4]) for words in mapped if words[3] in names)
        except (OSError, ValueError, IndexError):
            continue  # it has ended, or it is somebody else's
        used.update(_opened(links, device))
    try:
        with open("/proc/locks", "rb") as file:
            locked = (line.split()[-3].rpartition(b":") for line in file)
            used.update(int(number) for name, _, number in locked if name in names)
    except (OSError, ValueError, IndexError):
        pass
    return used


def _opened(links: list[str], device: int) -> Iterator[int]:
    for link in links:
        try:
            if os.readlink(link).startswith("/"):
                info = os.stat(link)
                if info.st_dev == device:
                    yield info.st_ino
        except OSError:
            continue


class Entry:
    """What is removed as a whole or not at all: where it is, and what it weighs."""

    def __init__(self, path: str, info: os.stat_result) -> None:
        self.path, self.device, self.inode = path, info.st_dev, info.st_ino
        self.newest, self.bytes, self.files = 0.0, 0, 0
        self.busy = self.foreign = False
        self.seen = time.monotonic()
        self.state = ""

    @property
    def token(self) -> str:
        return f"{self.device:x}-{self.inode:x}"


class Cache:
    """A marked folder, held by a handle."""

    def __init__(self, asked: dict[str, Any], now: float) -> None:
        self.asked, self.now, self.started = asked, now, time.monotonic()
        self.folder: str = asked["folder"]
        try:
            self.root = open_folder(self.folder)
        except FileNotFoundError:
            raise Refused("not there") from None
        except OSError as error:
            raise Refused(f"{self.folder} cannot be opened: {error.strerror}") from error
        self.handles = [self.root]
        self.info = os.fstat(self.root)
        self.mount = mount_of(self.root)
        self.filesystem, options, device = mount_facts(self.mount)
        self.trusted = "noatime" not in options.split(",") and not self.filesystem.startswith(NETWORK)
        self.used = inodes_in_use(self.info.st_dev, device)
        self._become_owner()

    def _become_owner(self) -> None:
        """Go on as the folder's owner, so that nothing can be touched that they could not touch."""
        uid = self.info.st_uid
        if os.geteuid() == uid:
            return
        if os.geteuid() != 0:
            raise Refused(f"{self.folder} belongs to uid {uid}, not to you")
        os.setgroups([])
        os.setgid(self.info.st_gid)
        os.setuid(uid)

    def close(self) -> None:
        """Let go of the folder, and of the lock on it."""
        while self.handles:
            os.close(self.handles.pop())

    def at_home(self, fd: int) -> bool:
        """Tell whether a handle lies on the cache's own mount."""
        return os.fstat(fd).st_dev == self.info.st_dev and mount_of(fd) == self.mount

    def entries(self) -> Iterator[tuple[int, str, str]]:
        """Yield each entry: the handle of its folder, its name, its path in the cache."""
        yield from self._shelf(self.root, "", {} if self.asked["mode"] == "wipe" else SHELVES)

    def _shelf(self, fd: int, path: str, shelves: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
        for name in sorted(os.listdir(fd)):
            inner = shelves.get(name, shelves.get("*"))
            if path + name in KEPT or (not path and name in OURS):
                continue
            child = self._shelf_handle(fd, name) if inner is not None else None
            if child is None:
                yield fd, name, path + name
                continue
            try:
                yield from self._shelf(child, path + name + "/", inner or {})
            finally:
                os.close(child)

    def _shelf_handle(self, fd: int, name: str) -> int | None:
        try:
            child = open_folder(name, fd)
        except OSError:  # a link or a file under a shelf's name is an entry like any other
            return None
        if self.at_home(child):
            return child
        os.close(child)
        return None

    def weigh(self, fd: int, name: str, path: str) -> Entry:
        """Measure an entry: when anything in it was last used, and its size."""
        info = os.stat(name, dir_fd=fd, follow_symlinks=False)
        entry = Entry(path, info)
        entry.foreign = info.st_uid != self.info.st_uid
        self._add(entry, info)
        stack: list[tuple[int, Any]] = []
        try:
            if stat.S_ISDIR(info.st_mode):
                self._push(stack, name, fd, entry)
            while stack:
                fd, children = stack[-1]
                child = next(children, None)
                if child is None:
                    self._pop(stack)
                    continue
                info = child.stat(follow_symlinks=False)
                self._add(entry, info)
                if stat.S_ISDIR(info.st_mode):
                    self._push(stack, child.name, fd, entry)
        finally:
            while stack:
                self._pop(stack)
        return entry

    def _push(self, stack: list[tuple[int, Any]], name: str, fd: int, entry: Entry) -> None:
        child = open_folder(name, fd)
        stack.append((child, os.scandir(child)))
        if not self.at_home(child):
            entry.foreign = True  # another filesystem or a bind mount: not ours to judge
            self._pop(stack)

    @staticmethod
    def _pop(stack: list[tuple[int, Any]]) -> None:
        fd, children = stack.pop()
        children.close()
        os.close(fd)

    def _add(self, entry: Entry, info: os.stat_result) -> None:
        is_folder = stat.S_ISDIR(info.st_mode)
        # An archive may bring dates of the future; the time of change is the kernel's own.
        newest, latest = info.st_ctime, self.now + DAY
        if newest < info.st_mtime < latest:
            newest = info.st_mtime
        # Whoever lists a folder changes its access time, a backup or this program too: only a file's counts.
        if not is_folder and newest < info.st_atime < latest:
            newest = info.st_atime
        entry.newest = max(entry.newest, newest)
        entry.bytes += info.st_blocks * 512
        entry.files += not is_folder
        entry.busy = entry.busy or info.st_ino in self.used
