"""What is left on the disk for others: how idle the environment is, how long it is kept, why it ended.

All lies in the runtime folder, in the container's own layer: it outlives a stop, and not the container.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUNTIME = Path(f"/tmp/envkit-{os.getuid()}")
_REPORT, _KEEP, _ENDED = "idle.json", "keep.json", "ended.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
# `envkit stop` says why before it stops; a reason that old was left by one that never came to stop.
_FRESH_S = 60.0


def write_report(report: Mapping[str, Any], folder: Path = RUNTIME) -> None:
    """Leave the last look for envkit-status and `explain`."""
    _write(folder / _REPORT, {**report, "at": time.monotonic()})


def read_report(folder: Path = RUNTIME) -> dict[str, Any]:
    """Return the last look, its times as they are now; empty when there is none."""
    report = _read(folder / _REPORT)
    if not isinstance(report.get("at"), float):
        return {}
    passed = time.monotonic() - report["at"]
    if isinstance(report.get("stops_in_s"), float):
        report["stops_in_s"] = max(0.0, report["stops_in_s"] - passed)
    for signal in report.get("signals", ()):
        signal["quiet_s"] += 0.0 if signal["active"] or signal["failed"] else passed
    return report


def keep(seconds: float, folder: Path = RUNTIME) -> None:
    """Keep the environment for so long, from now; 0: no longer."""
    now = {"monotonic": time.monotonic(), "wall": time.time(), "boot": _boot()}
    _write(folder / _KEEP, {"seconds": seconds, **now})


def kept_s(folder: Path = RUNTIME) -> float:
    """Return how long the environment is still to be kept; after a reboot the wall clock has to tell."""
    kept = _read(folder / _KEEP)
    try:
        clock, since = (
            (time.monotonic(), kept["monotonic"]) if kept["boot"] == _boot() else (time.time(), kept["wall"])
        )
        passed = max(0.0, clock - float(since))
        return max(0.0, float(kept["seconds"]) - passed)
    except (KeyError, TypeError, ValueError):
        return 0.0


def write_ended(why: str, folder: Path = RUNTIME) -> None:
    """Say why the environment ends, for whoever finds it stopped."""
    _write(folder / _ENDED, {"reason": why, "at": time.time(), "monotonic": time.monotonic()})


def meant_to_end(folder: Path = RUNTIME) -> bool:
    """Tell whether somebody has just said why it ends."""
    said = read_ended(folder).get("monotonic")
    return isinstance(said, float) and time.monotonic() - said < _FRESH_S


def read_ended(folder: Path = RUNTIME) -> dict[str, Any]:
    """Return what was said of its end."""
    return _read(folder / _ENDED)


def begin(folder: Path = RUNTIME) -> None:
    """Forget what an earlier start left; how long it is to be kept stays."""
    for name in (_REPORT, _ENDED):
        (folder / name).unlink(missing_ok=True)


def _boot() -> str:
    return _BOOT.read_text().strip()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, value: Mapping[str, Any]) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(json.dumps(value), "utf-8")
    new.replace(path)
