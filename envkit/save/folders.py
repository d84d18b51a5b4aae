"""Sum up many changed paths in a few folders: those that tell most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from envkit.save.sight import Path

_ROWS = 8  # fit on a screen with all else that is said


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder with what is saved of it; `size_bytes` is None where nobody could look."""

    path: str
    files: int
    deleted: int
    size_bytes: int | None


def summed_up(paths: Iterable[Path], rows: int = _ROWS) -> tuple[Folder, ...]:
    """Return at most so many folders that hold all these files, the largest first.

    The heaviest folder is opened again and again, as long as what is in it fits: `/opt` alone tells nothing.
    """
    files = [one for one in paths if not one.folder]
    groups = {"": files} if files else {}
    closed: dict[str, list[Path]] = {}
    while groups:
        name = max(groups, key=lambda one: (_bytes(groups[one]), len(groups[one])))
        inner = _inner(name, groups[name])
        if not inner or len(closed) + len(groups) - 1 + len(inner) > rows:
            closed[name] = groups.pop(name)
            continue
        del groups[name]
        groups |= inner
    found = (_folder(name or "/", held) for name, held in closed.items())
    return tuple(sorted(found, key=lambda one: (-(one.size_bytes or 0), -one.files - one.deleted, one.path)))


def _inner(name: str, files: list[Path]) -> dict[str, list[Path]]:
    """Return what is directly below; nothing when a file lies there itself."""
    found: dict[str, list[Path]] = {}
    for one in files:
        head, slash, _ = one.path[len(name) + 1 :].partition("/")
        if not slash:
            return {}
        found.setdefault(f"{name}/{head}", []).append(one)
    return found


def _folder(name: str, files: list[Path]) -> Folder:
    there = [one for one in files if one.kind != "deleted"]
    unknown = any(one.size_bytes is None for one in there)
    return Folder(
        path=name,
        files=len(there),
        deleted=len(files) - len(there),
        size_bytes=None if unknown else _bytes(there),
    )


def _bytes(files: list[Path]) -> int:
    return sum(one.size_bytes or 0 for one in files)
