"""`envkit-idle` of the image: watch, explain, keep SECONDS, ended REASON. A client asks by exec."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from . import idle_report as left
from .idle_judge import Memory, Settings, judge, remember
from .idle_look import Before, look
from .idle_watch import main as watch
from .idle_watch import settings_of, told
from .status import services_environment

_BETWEEN_S = 2.0  # long enough for CPU and for what is a connection rather than a question


def explain() -> None:
    """Print every signal as it is now; since when it has been quiet is known where somebody watches."""
    settings = settings_of(services_environment())
    memory, before = Memory(at=time.monotonic()), Before()
    for pause_s in (_BETWEEN_S, 0.0):
        signals, before = look(before, time.monotonic())
        memory = remember(memory, signals, time.monotonic(), settings)
        time.sleep(pause_s)
    keep_s = left.kept_s()
    verdict = judge(memory, signals, Settings(), keep_s)
    print(json.dumps(merged(told(memory, signals, verdict, settings, keep_s), left.read_report())))


def merged(now: dict[str, Any], watched: Mapping[str, Any]) -> dict[str, Any]:
    """Return this look, with the watcher's times and its verdict where this look does not contradict it."""
    known = {signal["name"]: signal for signal in watched.get("signals", ())}
    for signal in now["signals"]:
        before = known.get(signal["name"])
        used = signal["active"] or signal["failed"] or (before and before["mark"] != signal["mark"])
        signal["quiet_s"] = 0.0 if used else before and before["quiet_s"]
    if now["state"] == "active" or not watched:
        return now
    return {**now, **{key: watched[key] for key in ("state", "why", "quiet_s", "stops_in_s")}}


def main() -> None:
    """Do what the command line says."""
    what, *more = sys.argv[1:] or ["explain"]
    if what == "watch":
        watch()
    elif what == "explain":
        explain()
    elif what == "keep":
        left.keep(float(more[0]))
    elif what == "ended":
        left.write_ended(more[0])
    else:
        sys.exit(f"envkit-idle: {what}?")
