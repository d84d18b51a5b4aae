"""Leave a storm of orphans behind, then count the zombies; print the facts as one JSON object."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from .verify_net import SLOWER

ORPHANS = 200
PATIENCE_S = 5.0 * SLOWER  # process 1 reaps in milliseconds; a loaded machine gets its time


def leave_orphans(count: int) -> None:
    """Fork a child that forks many and ends: all of them become orphans at once."""
    child = os.fork()
    if child == 0:
        for _ in range(count):
            if os.fork() == 0:
                time.sleep(0.3)  # outlive the parent, so that process 1 is the one to reap
                os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.5)


def zombies() -> list[dict[str, object]]:
    """Return every process that has ended and that nobody has waited for."""
    found: list[dict[str, object]] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue  # it ended meanwhile
        name, _, rest = text.partition("(")[2].rpartition(")")
        state, parent = rest.split()[:2]
        if state == "Z":
            found.append({"pid": int(folder.name), "name": name, "parent": int(parent)})
    return found


def main() -> None:
    """Make the storm, wait for calm, print what is left."""
    began = time.monotonic()
    leave_orphans(ORPHANS)
    left = zombies()
    while left and time.monotonic() - began < PATIENCE_S:
        time.sleep(0.1)
        left = zombies()
    print(json.dumps({"orphans": ORPHANS, "zombies": left, "seconds": round(time.monotonic() - began, 2)}))
