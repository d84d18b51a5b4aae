"""The files that a spec names: are they there, and inside its folder?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from envkit.spec.merge import named_files
from envkit.spec.problems import Problem, likely
from envkit.spec.source import Entries, Scalar


def missing_files(tree: Entries, folder: Path) -> Iterator[Problem]:
    """Yield a problem for every named file that is not there."""
    for _, node, kind in named_files(tree):
        yield from _missing(node, kind, folder)


def _missing(node: Scalar, kind: str, folder: Path) -> Iterator[Problem]:
    path = folder / node.text
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
        is_file, is_folder = path.is_file(), path.is_dir()
    # A name too long for the file system or with a NUL, or a loop of links.
    except (OSError, RuntimeError, ValueError) as error:
        yield Problem(place=node.place, what=f"'{node.text[:40]}' cannot be opened ({type(error).__name__})")
        return
    if not is_inside:
        what = f"'{node.text}' is a link that leaves the spec's folder"
        yield Problem(place=node.place, what=what, fix="copy the file beside the spec")
    elif not (is_file or is_folder):
        near = likely(path.name, _names(path.parent))
        what = f"there is no {kind} '{node.text}' in {folder}"
        meant = str(Path(node.text).with_name(near)) if near else ""
        yield Problem(
            place=node.place, what=what, likely=meant, fix="paths are relative to the spec's folder"
        )
    elif (kind == "file" and is_folder) or (kind == "folder" and is_file):
        is_a = "folder" if is_folder else "file"
        yield Problem(place=node.place, what=f"'{node.text}' is a {is_a}; a {kind} is needed")


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
