"""Remove entries of a cache folder by way of its own trash: a killed run leaves work, and no damage.

What goes is renamed into the trash first, by a name that says which inode was judged: the next run finishes
it, and what somebody put there in the last moment is put back.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from typing import Any

from .cache_look import MARKER, TRASH, Cache, Entry, Refused, open_folder


class Sweep:
    """One run that removes."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.failures: list[str] = []
        self.trash = -1

    def begin(self) -> None:
        """Take the folder's lock, which ends with this process, and open its trash."""
        marker = os.open(MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.cache.root)
        self.cache.handles.append(marker)
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused("another run is at it") from error
        with suppress(FileExistsError):
            os.mkdir(TRASH, 0o700, dir_fd=self.cache.root)
        try:
            self.trash = open_folder(TRASH, self.cache.root)
        except OSError as error:
            raise Refused(f"{self.cache.folder}/{TRASH} is no folder") from error
        self.cache.handles.append(self.trash)
        if os.fstat(self.trash).st_uid != os.geteuid() or not self.cache.at_home(self.trash):
            raise Refused(f"{self.cache.folder}/{TRASH} is not the owner's")

    def finish_trash(self) -> int:
        """Remove what an earlier run did not come to; return how many there were."""
        names = os.listdir(self.trash)
        for name in names:
            info = os.stat(name, dir_fd=self.trash, follow_symlinks=False)
            if name.startswith(f"{info.st_dev:x}-{info.st_ino:x}-"):
                self.erase(self.trash, name)
            else:
                self._give_back(name, self.cache.root, "recovered-" + name)
        return len(names)

    def remove(self, fd: int, name: str, entry: Entry) -> bool:
        """Rename an entry into the trash and remove it there; False when it is no longer what was judged."""
        grave = f"{entry.token}-{os.urandom(8).hex()}"
        os.rename(name, grave, src_dir_fd=fd, dst_dir_fd=self.trash)
        info = os.stat(grave, dir_fd=self.trash, follow_symlinks=False)
        if (info.st_dev, info.st_ino) != (entry.device, entry.inode):
            self._give_back(grave, fd, name)
            return False
        return self.erase(self.trash, grave)

    def _give_back(self, grave: str, fd: int, name: str) -> None:
        try:
            os.stat(name, dir_fd=fd, follow_symlinks=False)
            fd, name = self.cache.root, "recovered-" + grave
        except FileNotFoundError:
            pass
        os.rename(grave, name, src_dir_fd=self.trash, dst_dir_fd=fd)

    def erase(self, fd: int, name: str) -> bool:
        """Remove a file or a tree below a handle; what cannot be removed is noted, and stays in the trash."""
        stack: list[tuple[int, str, list[tuple[str, bool]]]] = []
        whole = self._erase_one(fd, name, stack, folder=True)
        while stack:
            inner, own, children = stack[-1]
            if children:
                child, folder = children.pop()
                with suppress(OSError):
                    if not folder:
                        os.unlink(child, dir_fd=inner)
                        continue
                whole = self._erase_one(inner, child, stack, folder=folder) and whole
                continue
            stack.pop()
            os.close(inner)
            try:
                os.rmdir(own, dir_fd=stack[-1][0] if stack else fd)
            except OSError as error:
                whole = self._fail(own, error)
        return whole

    def _erase_one(self, fd: int, name: str, stack: list[Any], *, folder: bool) -> bool:
        try:
            if not (folder and self._enter(fd, name, stack)):
                os.unlink(name, dir_fd=fd)
        except FileNotFoundError:
            return True
        except IsADirectoryError:  # it was none a moment ago
            return self._erase_one(fd, name, stack, folder=True)
        except OSError as error:
            return self._fail(name, error)
        return True

    def _enter(self, fd: int, name: str, stack: list[Any]) -> bool:
        """Put a folder on the stack; False when it is none, or a link now."""
        try:
            inner = open_folder(name, fd)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                return False
            raise
        try:
            if not self.cache.at_home(inner):
                raise OSError(errno.EXDEV, "it lies on another filesystem")
            if os.fstat(inner).st_mode & 0o300 != 0o300:
                os.fchmod(inner, 0o700)  # Go's modules, for one, are folders that nobody may write to
            with os.scandir(inner) as found:
                children = [(one.name, one.is_dir(follow_symlinks=False)) for one in found]
        except OSError:
            os.close(inner)
            raise
        stack.append((inner, name, children))
        return True

    def _fail(self, name: str, error: OSError) -> bool:
        self.failures.append(f"{name}: {error.strerror}")
        return False
