"""Folders that nothing owns any more: a killed build's, and a cache of its own whose environment is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from envkit import scratch
from envkit.engines.base import Engine
from envkit.environment import cache
from envkit.environment.lookup import everything, name_of
from envkit.hosts.base import Command, Host, Remote

Folder = Literal["folder", "cache"]


def left_folders(engine: Engine, host: Host, shared_cache: str) -> Iterator[tuple[Folder, str, str]]:
    """Yield what it is, its path, and why nothing owns it."""
    if not isinstance(host, Remote):
        for path in scratch.leftovers():
            yield "folder", str(path), "its process was killed"
    names = {name_of(facts) for facts in everything(engine)}
    words = ("find", f"{shared_cache}-of", "-mindepth", "1", "-maxdepth", "1", "-type", "d", "-print0")
    for own in sorted(filter(None, host.run(Command(words=words)).stdout.split("\0"))):
        if PurePosixPath(own).name not in names:
            yield "cache", own, "no environment of that name is there"


def remove_folder(host: Host, kind: Folder, path: str) -> None:
    """Remove it, unless somebody is at it by now."""
    if kind == "folder":
        scratch.remove(Path(path))
    else:
        cache.wipe(host, path)
