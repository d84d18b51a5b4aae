"""Files and folders as tar streams: packed and unpacked without ever being in memory as a whole."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from envkit.errors import EnvkitError

Report = Callable[[str], None]

_PART = 1 << 20


class Escapes(EnvkitError):
    """An archive holds a name that would be written outside of where it belongs."""


def pack(source: Path, name: str, stream: IO[bytes], report: Report) -> None:
    """Write a file or a folder as `name`; what is neither file, folder nor link is left out aloud."""

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid = entry.gid = 0  # whoever unpacks it owns it
        entry.uname = entry.gname = ""
        if entry.isreg() or entry.isdir() or entry.issym() or entry.islnk():
            return entry
        report(f"{entry.name} is left out: it is neither a file, a folder nor a link")
        return None

    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_PART) as archive:
        archive.add(source, arcname=name, filter=kept)


def unpack(stream: IO[bytes], name: str, target: Path, report: Report) -> bool:
    """Unpack what is called `name` as `target`; tell whether the archive was whole.

    Whatever the archive says, nothing is written outside of `target`: names are checked, and no link is
    followed. Files get the caller's own uid.
    """
    inside = _Inside(name=name, target=target, report=report)
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_PART) as archive:
            for entry in archive:
                path = _place(entry.name, inside)
                if path != target:
                    _refuse_links(path.parent, target)
                _write(archive, entry, path, inside)
    except tarfile.TarError:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class _Inside:
    """Where an archive belongs."""

    name: str
    target: Path
    report: Report


def _place(entry: str, inside: _Inside) -> Path:
    """Return where an entry belongs; Escapes when that is not below the target."""
    parts = PurePosixPath(entry).parts
    if not parts or parts[0] != inside.name or ".." in parts:
        raise Escapes(
            f"the copy holds the name {entry!r}, which does not belong into {inside.target}",
            fix="nothing was written there; look at what makes such names",
        )
    return inside.target.joinpath(*parts[1:])


def _refuse_links(folder: Path, target: Path) -> None:
    """Refuse to go through a link between the target and a folder below it."""
    while folder != target.parent:
        if folder.is_symlink():
            raise Escapes(
                f"{folder} is a link: what the copy would write below it would land elsewhere",
                fix="remove that link, or copy to another place",
            )
        folder = folder.parent


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: Path, inside: _Inside) -> None:
    if entry.isdir():
        if path.is_symlink() or not path.is_dir():
            _clear(path)
            path.mkdir()
        path.chmod(stat.S_IMODE(entry.mode) & 0o777 | 0o700)
    elif entry.issym():
        _clear(path)
        path.symlink_to(entry.linkname)
    elif entry.islnk():
        original = _place(entry.linkname, inside)
        _refuse_links(original.parent, inside.target)
        _clear(path)
        os.link(original, path, follow_symlinks=False)
    elif entry.isreg():
        _write_file(archive, entry, path)
    else:
        inside.report(f"{entry.name} is left out: it is neither a file, a folder nor a link")


def _write_file(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
    """Write a file under another name first, so that a half one never has its own."""
    content = archive.extractfile(entry)
    assert content is not None  # it is a regular file
    half = path.with_name(f".envkit-cp-{os.getpid()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(half, flags, stat.S_IMODE(entry.mode) & 0o777), "wb") as file:
            while part := content.read(_PART):
                file.write(part)
        os.utime(half, (entry.mtime, entry.mtime))
        if path.is_dir() and not path.is_symlink():
            raise EnvkitError(
                f"{path} is a folder, the copy holds a file of that name", fix="remove the folder"
            )
        half.replace(path)
    finally:
        with suppress(FileNotFoundError):
            half.unlink()


def _clear(path: Path) -> None:
    """Make room for a link or a folder; a folder that holds something stays, and is an error."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
        return
    path.unlink(missing_ok=True)
