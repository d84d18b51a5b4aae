"""Listing a thousand runs beside printing their files by hand, which says nothing of what goes on."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from envkit.run import from_json
from envkit.run.folder import End, Git, Rank, Request
from tests.bench.builds import ENVKIT, seconds
from tests.bench.table import Row
from tests.run_folders import make

_RUNS = 1000
_TIMES = 5
_PACKAGES = {f"package-{number}": "1.2.3" for number in range(180)}  # as many as the preset `cpu` has
_DIFF = "+ a line that nobody has committed yet\n" * 50


def measure() -> list[Row]:
    """Return the row; the folders are as a supervisor leaves them."""
    with tempfile.TemporaryDirectory(prefix="envkit-bench-") as home:
        for number in range(_RUNS):
            _make(Path(home), number)
        by_hand = ["sh", "-c", 'find "$1" -name run.json | xargs cat', "sh", home]
        return [
            Row(
                what=f"runs, {_RUNS:,} listed",
                ours=_median([ENVKIT, "runs", "--home", home]),
                baseline=_median(by_hand),
                baseline_name="find, cat",
                goal=0.5,
                absolute=True,
            )
        ]


def _make(home: Path, number: int) -> None:
    ended = End(
        state="failed" if number % 5 == 0 else "finished",
        sentence="ValueError: bad",
        started=1000.0 + number,
        ended=1007.5 + number,
        ranks=(Rank(rank=0, pid=7, started=1000.0, ended=1007.0, code=0),),
    )
    git = Git(commit="c0ffee" * 6, branch="main", dirty=True, diff=_DIFF)
    folder = make(home, f"train-{number:04}", end=ended, packages=_PACKAGES, git=git)
    asked = Request(
        name=folder.name,
        folder=str(folder.path),
        kind="script",
        target="/work/home/train.py",
        directory="/work/home",
        args=("--lr", "0.1"),
    )
    Path(folder.attempt(1).request).write_text(from_json.text(asked), "utf-8")


def _median(command: list[str]) -> float:
    return statistics.median(seconds(command) for _ in range(_TIMES))


if __name__ == "__main__":
    from tests.bench.table import markdown

    print(markdown(measure()))
