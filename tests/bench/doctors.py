"""The doctor: how long it takes beside the two commands that one would begin with by hand."""

from __future__ import annotations

import statistics

from tests.bench.builds import ENVKIT, seconds
from tests.bench.table import Row

_TIMES = 5


def measure() -> list[Row]:
    """Return the row; the goal is of envkit alone: it asks far more than the two commands do."""
    ours = statistics.median(seconds([ENVKIT, "doctor", "--json"]) for _ in range(_TIMES))
    by_hand = statistics.median(seconds(["docker", "info"]) + seconds(["df", "-h"]) for _ in range(_TIMES))
    return [
        Row(
            what="doctor",
            ours=ours,
            baseline=by_hand,
            baseline_name="docker info, df",
            goal=2,
            absolute=True,
        )
    ]


if __name__ == "__main__":
    from tests.bench.table import markdown

    print(markdown(measure()))
