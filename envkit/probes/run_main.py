"""A run's supervisor: begins where the request says, tries again where it may, and ends with the run.

It is process 1 of a container of its own, or leaves the exec that started it in an environment.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Optional

from . import run_evidence
from . import run_process as processes
from .run_supervise import Attempt

Facts = Dict[str, Any]
_AGAIN = {"host-memory": "oom", "device-memory": "oom", "engine-lost": "host-lost", "node-lost": "host-lost"}


def main(plan: Facts) -> None:
    """Run it; the exit code is the run's own, but 0 where the engine would start it again for any other."""
    number = _begin(plan)
    waiting = [_leave()] if plan["detach"] and number is not None else []
    processes.hold_signals()
    processes.adopt_orphans()
    code = 0
    while number is not None:
        end = Attempt(plan, number).run(lambda: _tell(waiting))
        code = int(end.get("code") or 0)
        number = _next(plan, number, end)
        if number is not None:
            os.mkdir(_attempt(plan, number))
    sys.exit(0 if "host-lost" in plan["retry_on"] else min(code, 255))


def _attempt(plan: Facts, number: int) -> str:
    return os.path.join(plan["folder"], "attempts", str(number))


def _begin(plan: Facts) -> Optional[int]:
    """Return the attempt to begin with, its folder made; None when all has been done."""
    os.makedirs(os.path.join(plan["folder"], "attempts"), exist_ok=True)
    number = int(plan["attempt"])
    try:
        os.mkdir(_attempt(plan, number))
        return number
    except FileExistsError:
        last = _last(plan)
    own = run_evidence.read(os.path.join(_attempt(plan, last), "supervisor.json")) or {}
    if os.getpid() != 1 or own.get("container") != run_evidence.identity()["container"]:
        sys.exit(f"envkit: attempt {number} of {plan['name']} is there already")
    return _after_loss(plan, last)


def _last(plan: Facts) -> int:
    names = os.listdir(os.path.join(plan["folder"], "attempts"))
    return max((int(name) for name in names if name.isdecimal()), default=int(plan["attempt"]))


def _after_loss(plan: Facts, number: int) -> Optional[int]:
    """Note that the attempt before was lost with the engine or the machine; return the next, if it may be."""
    path = os.path.join(_attempt(plan, number), "end.json")
    end = run_evidence.read(path)
    if end is None:
        lost = Attempt(plan, number)
        end = lost.lost()
    following = _next(plan, number, end)
    if following is not None:
        os.mkdir(_attempt(plan, following))
    return following


def _next(plan: Facts, number: int, end: Facts) -> Optional[int]:
    """Return the number of another attempt; None when none is left, or this end is none to try again."""
    if end["state"] not in ("failed", "killed", "lost") or number - int(plan["attempt"]) >= plan["retries"]:
        return None
    why = _AGAIN.get(end["cause"] or "", "killed" if end["state"] == "killed" else "error")
    return number + 1 if why in plan["retry_on"] else None


def _leave() -> int:
    """Go on in a process of its own session; who started us is told by the file that this returns."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with open(reading, "rb") as pipe:
            os._exit(0 if pipe.read() else 1)
    os.close(reading)
    os.setsid()
    return writing


def _tell(waiting: List[int]) -> None:
    """Say to who waits that it has begun, and let go of what they read."""
    while waiting:
        told = waiting.pop()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.write(told, b"begun")
        os.close(told)
