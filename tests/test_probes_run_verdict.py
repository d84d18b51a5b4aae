"""How a run on several nodes ended; the line itself is tried in tests/real/hosts/test_train_nodes.py."""

from __future__ import annotations

from typing import Any

import pytest

from envkit.probes.run_link import Link
from envkit.probes.run_verdict import verdict

DONE: dict[str, Any] = {
    "state": "finished", "cause": None, "code": 0, "signal": None, "rank": None, "words": "", "frame": None,
    "sentence": "finished", "ranks": [], "ended": 100.0,
}  # fmt: skip


def failed(rank: int, moment: float, late: float = 0.0) -> dict[str, Any]:
    """Return the end of a node whose rank failed at that moment of its own clock."""
    told = {"state": "failed", "cause": "script-error", "code": 1, "rank": rank, "late": late}
    ranks = [{"rank": rank, "code": 1, "ended": moment}]
    return {**DONE, **told, "sentence": f"rank {rank} on host{rank} failed", "ranks": ranks}


@pytest.mark.parametrize(
    ("ends", "lost", "state", "sentence"),
    [
        ({0: DONE, 1: DONE}, {}, "finished", "finished"),
        ({0: failed(0, 5.0), 1: failed(1, 4.0)}, {}, "failed", "rank 1 on host1 failed"),
        ({0: failed(0, 5.0), 1: failed(1, 4.0, late=3.0)}, {}, "failed", "rank 1 on host1 failed"),
        ({0: failed(0, 5.0), 1: failed(1, 4.0, late=60.0)}, {}, "failed", "rank 0 on host0 failed"),
        ({0: failed(0, 5.0)}, {1: "node 1 was lost"}, "lost", "node 1 was lost"),
        ({0: failed(0, 5.0), 1: {**DONE, "state": "stopped"}}, {}, "stopped", "finished"),
        (
            {0: DONE, 1: {**DONE, "state": "failed", "sentence": "not started: x"}},
            {},
            "failed",
            "not started: x (on host1)",
        ),
    ],
)
def test_the_first_reason_is_the_runs(
    ends: dict[int, Any], lost: dict[int, str], state: str, sentence: str
) -> None:
    names = ["host0", "host1"]
    link = Link({"rank": 0, "names": names})
    found = verdict(link, ends, lost)
    assert (found["state"], found["sentence"]) == (state, sentence)
