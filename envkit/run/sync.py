"""--sync: which files a project has, as git would take them, and how they get into a run's folder."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.engines.values import Mount
from envkit.errors import HostError, UsageError
from envkit.hosts.base import Command, Host
from envkit.run.folder import RunFolder

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

# Code, not data: what is larger belongs into --home or a --mount. It is sent as one piece, from memory.
LARGEST_BYTES = 256 << 20
MOST_FILES = 50_000
_NEVER = (".git", "__pycache__")
_VENV = "pyvenv.cfg"  # marks a virtual environment (PEP 405), which works in its own place alone
_LARGEST_SHOWN = 3
_TIMEOUT_S = 1800.0  # 256 MiB over 2 Mbit/s
_UNPACK = """
set -e
rm -rf -- "$1" && mkdir -- "$1" && exec tar -x --no-same-owner -f - -C "$1"
"""


@dataclass(frozen=True, kw_only=True)
class Project:
    """What is copied."""

    root: str
    files: tuple[str, ...]  # relative, links too
    size_bytes: int
    left_out: tuple[str, ...] = ()  # links that lead outward, and what is no file

    @property
    def words(self) -> str:
        """Return how much it is, as a person reads it."""
        size = self.size_bytes
        return f"{len(self.files)} files, {f'{size / 1e6:.1f} MB' if size >= 1e6 else f'{size / 1e3:.1f} kB'}"

    def shown(self, name: str) -> Mount:
        """Return how the run of that name sees it."""
        return Mount(source=self.root, target=str(RunFolder.inside(name).code))


def project(path: str) -> Project:
    """Return the project that a file or folder of this machine belongs to; UsageError for one too large."""
    root = _root(Path(path))
    left_out, sizes = [], {}
    total = 0
    for entry in _entries(root):
        name, about = entry.relative_to(root).as_posix(), entry.lstat()
        is_link = stat.S_ISLNK(about.st_mode)
        if stat.S_ISREG(about.st_mode) or (is_link and _stays_inside(entry, root)):
            sizes[name] = 0 if is_link else about.st_size
            total += sizes[name]
        else:
            left_out.append(name)
        if total > LARGEST_BYTES or len(sizes) > MOST_FILES:
            raise _too_large(root, sizes)
    return Project(
        root=str(root),
        files=tuple(sorted(sizes)),
        size_bytes=total,
        left_out=tuple(sorted(left_out)),
    )


def send(host: Host, found: Project, folder: RunFolder) -> None:
    """Copy it into a run's folder, in the place of what an earlier attempt had there."""
    words = ("sh", "-c", _UNPACK, "sh", str(folder.code))
    done = host.run(Command(words=words, stdin=_packed(found), timeout_s=_TIMEOUT_S))
    if done.code != 0:
        raise HostError(
            f"the project could not be copied to {folder.code}: {done.stderr.strip()[-300:]}",
            fix="look at the disk there",
        )


def _packed(found: Project) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in found.files:
            try:
                archive.add(Path(found.root, name), arcname=name, recursive=False, filter=_anybodys)
            except FileNotFoundError:
                continue  # it went meanwhile: an editor's own file
    return packed.getvalue()


def _anybodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _root(path: Path) -> Path:
    """Return git's top level, else the folder itself; UsageError for one that holds more than a project."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            start = folder
            break
    if start in (Path(start.anchor), Path.home()):
        raise UsageError(
            f"--sync would copy all of {start}", fix="put the script into a folder of its own, or use --mount"
        )
    return start


def _entries(root: Path) -> Iterator[Path]:
    """Yield files and links that no .gitignore names; a folder that is ignored is not entered."""
    ignored = _Ignored(root)
    for at, folders, files in os.walk(root):
        here = Path(at)
        ignored.enter(here)
        kept = [
            name
            for name in sorted(folders)
            if name not in _NEVER
            and not (here / name / _VENV).is_file()
            and not ignored.is_ignored(here / name, is_folder=not (here / name).is_symlink())
        ]
        folders[:] = [name for name in kept if not (here / name).is_symlink()]
        links = [name for name in kept if (here / name).is_symlink()]
        for name in sorted((*files, *links)):
            if name not in _NEVER and not ignored.is_ignored(here / name, is_folder=False):
                yield here / name


class _Ignored:
    """The .gitignore files of a tree: the deepest one that has a word for a path decides."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._specs: dict[Path, GitIgnoreSpec] = {}

    def enter(self, folder: Path) -> None:
        """Read what a folder's own file says."""
        from pathspec import GitIgnoreSpec

        own = [folder / ".gitignore"]
        if folder == self._root:
            own.insert(0, folder / ".git" / "info" / "exclude")
        lines = [line for path in own if path.is_file() for line in _lines(path)]
        if lines:
            self._specs[folder] = GitIgnoreSpec.from_lines(lines)

    def is_ignored(self, path: Path, *, is_folder: bool) -> bool:
        """Tell whether git would leave it out."""
        for folder in path.parents:
            spec = self._specs.get(folder)
            if spec is not None:
                name = path.relative_to(folder).as_posix() + "/" * is_folder
                said = spec.check_file(name).include
                if said is not None:
                    return said
            if folder == self._root:
                break
        return False


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").splitlines()


def _stays_inside(link: Path, root: Path) -> bool:
    """Tell whether a link leads, by a relative way, to somewhere in the project."""
    target = link.readlink()
    return not target.is_absolute() and Path(os.path.normpath(link.parent / target)).is_relative_to(root)


def _too_large(root: Path, sizes: dict[str, int]) -> UsageError:
    largest = sorted(sizes, key=lambda name: -sizes[name])[:_LARGEST_SHOWN]
    shown = "".join(f"\n    {sizes[name] >> 20} MiB  {name}" for name in largest)
    return UsageError(
        f"--sync: {root} has more than {MOST_FILES} files or {LARGEST_BYTES >> 20} MiB; among them:{shown}",
        fix="name data in .gitignore and show it with --mount, or keep the project in --home",
    )
