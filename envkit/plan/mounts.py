"""Folders of the host beside /work/home and /work/cache: how they are written, where they appear."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from envkit.errors import UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_OURS = ("home", "cache")


@dataclass(frozen=True, kw_only=True)
class FolderMount:
    """A folder of the host, at /work/NAME."""

    name: str
    source: str
    read_only: bool = False

    def __str__(self) -> str:
        """Return it as `--mount` takes it."""
        return f"{self.name}={self.source}{':ro' if self.read_only else ''}"

    @property
    def target(self) -> str:
        """Return where the container sees it."""
        return f"/work/{self.name}"


def parse_mount(text: str) -> FolderMount:
    """Read `NAME=PATH` or `NAME=PATH:ro`; UsageError says what is wrong with it."""
    name, _, path = text.partition("=")
    read_only = path.endswith(":ro")
    path = path.removesuffix(":ro").removesuffix(":rw")
    if not _NAME.fullmatch(name) or not path:
        raise UsageError(
            f"--mount {text!r} is not NAME=PATH or NAME=PATH:ro",
            fix="as in --mount data=/srv/data:ro, which is /work/data; a name has a-z, 0-9, `.`, `_`, `-`",
        )
    if name in _OURS:
        raise UsageError(
            f"--mount {text!r}: /work/{name} is there already", fix=f"another name, or --{name} {path}"
        )
    if ".." in PurePosixPath(path).parts:
        raise UsageError(f"--mount {text!r}: the path has a `..` in it", fix="write the path in full")
    return FolderMount(name=name, source=path, read_only=read_only)


def refuse_clashes(mounts: tuple[FolderMount, ...], cache: str) -> None:
    """Refuse one name twice, and what lies where unused files are removed."""
    names = [mount.name for mount in mounts]
    for mount in mounts:
        if names.count(mount.name) > 1:
            raise UsageError(f"--mount {mount.name}= is given twice", fix="give each its own name")
        if PurePosixPath(mount.source).is_relative_to(cache):
            raise UsageError(
                f"--mount {mount} lies in the cache {cache}, where what is not used is removed",
                fix="move the folder to another place",
            )
