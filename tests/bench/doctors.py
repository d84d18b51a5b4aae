"""Looking at a machine: how long it takes beside the commands that one would begin with by hand."""

from __future__ import annotations

import shutil
import statistics

from tests.bench.builds import ENVKIT, seconds
from tests.bench.table import Row

_TIMES = 5


def measure() -> list[Row]:
    """Return the rows; the goals are of envkit alone: it asks far more than the commands do."""
    tool = next((name for name in ("nvidia-smi", "npu-smi") if shutil.which(name)), "")
    by_hand = [tool, *(["info"] if tool == "npu-smi" else [])] if tool else ["ls", "/dev"]
    return [
        _row("doctor", [["docker", "info"], ["df", "-h"]], "docker info, df"),
        _row("devices", [by_hand], " ".join(by_hand)),
    ]


def _row(command: str, by_hand: list[list[str]], name: str) -> Row:
    return Row(
        what=command,
        ours=_median([[ENVKIT, command, "--json"]]),
        baseline=_median(by_hand),
        baseline_name=name,
        goal=2,
        absolute=True,
    )


def _median(commands: list[list[str]]) -> float:
    return statistics.median(sum(map(seconds, commands)) for _ in range(_TIMES))


if __name__ == "__main__":
    from tests.bench.table import markdown

    print(markdown(measure()))
