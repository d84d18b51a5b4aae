"""How a run on several nodes ended: each node's own end in, the run's out; every node writes the same."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict

from .run_link import Link

Facts = Dict[str, Any]

_TOLD = ("state", "cause", "code", "signal", "rank", "words", "frame", "sentence")
_REST_S = 60.0  # beyond the grace, for the others to say how they ended once one has failed
_PAUSE_S = 0.2
# What a word was on its way on a busy machine looks like a clock that is behind; real ones differ by ms
# (NTP) or, where nobody sets them, by much more.
_SLOW_S = 5.0


def verdict(link: Link, ends: Dict[int, Facts], lost: Dict[int, str]) -> Facts:
    """Return how the run ended: a lost node is the reason of all else, then a stop, then who failed first."""
    if lost:
        return _lost(next(iter(lost.values())))
    bad = {rank: end for rank, end in ends.items() if end["state"] != "finished"}
    if not bad:
        return {key: ends[0][key] for key in _TOLD}
    stopped = [rank for rank, end in bad.items() if end["state"] in ("stopped", "timed-out")]
    first = min(stopped) if stopped else min(bad, key=lambda rank: _moment(bad[rank]))
    told = {key: bad[first][key] for key in _TOLD}
    if not stopped and link.names[first] not in told["sentence"]:
        told["sentence"] += f" (on {link.names[first]})"
    return told


def _moment(end: Facts) -> float:
    """Return when it began to fail, by node 0's clock."""
    failing = [rank["ended"] for rank in end["ranks"] if rank.get("code") and rank.get("ended")]
    late = float(end.get("late", 0.0))
    return float(min(failing, default=end["ended"])) + (late if abs(late) > _SLOW_S else 0.0)


def _lost(words: str) -> Facts:
    told: Facts = {"state": "lost", "cause": "node-lost", "code": 1, "signal": None, "rank": None}
    return {**told, "words": words, "frame": None, "sentence": words}


def agree(link: Link, own: Facts, grace_s: float, look: Callable[[], None]) -> Facts:
    """Tell the others how it ended here, and return how the run did; `look` is called while we wait."""
    if not link.is_complete():
        return own  # nothing has begun anywhere
    if link.rank:
        link.tell({"end": own, "now": time.time()})
        while link.verdict is None and not link.lost:
            look()
            time.sleep(_PAUSE_S)
        found = link.verdict or _lost(next(iter(link.lost.values())))
    else:
        found = _gathered(link, own, grace_s, look)
        link.tell({"verdict": found})
    link.close()
    return {**own, **found}


def _gathered(link: Link, own: Facts, grace_s: float, look: Callable[[], None]) -> Facts:
    until = None
    if own["state"] != "finished":
        link.tell({"order": {"by": "node", "now": False}})
    while True:
        ends, lost = {0: own, **link.ends}, dict(link.lost)
        rest = [rank for rank in range(len(link.names)) if rank not in ends and rank not in lost]
        if not rest:
            return verdict(link, ends, lost)
        if until is None and (lost or any(end["state"] != "finished" for end in ends.values())):
            until = time.monotonic() + grace_s + _REST_S
        if until is not None and time.monotonic() > until:
            late = {rank: f"node {rank} ({link.names[rank]}) did not say how it ended" for rank in rest}
            return verdict(link, ends, {**lost, **late})
        look()
        time.sleep(_PAUSE_S)
