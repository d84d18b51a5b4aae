"""The cache: envkit's cleaning beside `find -delete`, which looks at nothing but a file's age."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.bench.builds import ENVKIT, Bench, seconds
from tests.bench.starts import alternate
from tests.bench.table import Row

FOLDERS, FILES = 100, 1000


def filled(folder: Path) -> Path:
    """Make a cache of 100,000 small files in a hundred entries."""
    folder.mkdir()
    (folder / ".envkit-cache").touch()
    for number in range(FOLDERS):
        entry = folder / f"entry{number}"
        entry.mkdir()
        for file in range(FILES):
            (entry / f"file{file}").write_bytes(b"x" * 100)
    return folder


def measures(bench: Bench) -> tuple[Callable[[], float], Callable[[], float]]:
    """Return what cleans: envkit, by its command line, and find."""
    numbers = itertools.count()

    def ours() -> float:
        folder = filled(bench.folder / f"cache{next(numbers)}")
        words = ["cache", "clean", "--cache", str(folder), "--retention", "0", "--yes"]
        took = seconds([ENVKIT, *words])
        left = [path.name for path in folder.iterdir() if path.name.startswith("entry")]
        if left:
            raise SystemExit(f"{len(left)} entries were not removed")
        return took

    def finds() -> float:
        folder = filled(bench.folder / f"cache{next(numbers)}")
        return seconds(["find", str(folder), "-mindepth", "1", "-mmin", "+-1", "-delete"])

    return ours, finds


def measure(bench: Bench) -> list[Row]:
    """Return the row of the cache."""
    subprocess.run(["sync"], check=True)
    ours, find = alternate(3, *measures(bench))
    return [
        Row(
            what="cache clean, 100,000 files",
            ours=ours,
            baseline=find,
            baseline_name="find -delete",
            goal=3,
        )
    ]
