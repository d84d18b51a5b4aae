"""Whether the kernel killed for want of memory in this container: a count that only rises."""

from __future__ import annotations

import os
from typing import Iterator


def oom_kills(root: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> int:
    """Return how many processes of our memory cgroup it has killed; 0 where the kernel does not tell."""
    for path in _places(root, own):
        try:
            with open(path, encoding="ascii") as file:
                lines = [line.split() for line in file]
        except OSError:
            continue
        for words in lines:
            if len(words) == 2 and words[0] == "oom_kill":
                return int(words[1])
    return 0


def _places(root: str, own: str) -> Iterator[str]:
    """Yield where the count may stand: below the cgroup's own path, then where a container sees its own."""
    try:
        with open(own, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        lines = []
    for fields in lines:
        if len(fields) == 3 and "memory" in fields[1].split(","):
            yield os.path.join(root, "memory", fields[2].strip("/"), "memory.oom_control")
        elif len(fields) == 3 and fields[0] == "0":
            yield os.path.join(root, fields[2].strip("/"), "memory.events")
    yield os.path.join(root, "memory", "memory.oom_control")
    yield os.path.join(root, "memory.events")
