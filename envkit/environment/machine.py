"""What an environment's plan must know of its machine."""

from __future__ import annotations

import re
from pathlib import Path

from envkit.errors import HostError
from envkit.hosts.base import Command, Host
from envkit.plan.run_plan import Caller

_ID = re.compile(r"uid=(\d+)(?:\(([^)]*)\))? gid=(\d+)")
_TOTAL = re.compile(rb"^MemTotal:\s+(\d+) kB", re.MULTILINE)


def caller(host: Host) -> Caller:
    """Return who we are on that machine; an unknown uid has its number for a name."""
    done = host.run(Command(words=("id",), env={"LC_ALL": "C"}))
    found = _ID.match(done.stdout)
    if not found:
        raise HostError(
            f"{host.name}: `id` does not say who we are: {done.stdout!r}", fix="run `id` there and see"
        )
    uid, name, gid = found.groups()
    return Caller(uid=int(uid), gid=int(gid), name=name or f"u{uid}")


def memory_mib(host: Host) -> int:
    """Return how much memory the machine has."""
    found = _TOTAL.search(host.read(Path("/proc/meminfo")) or b"")
    if not found:
        raise HostError(
            f"{host.name} does not tell its memory (/proc/meminfo)", fix="envkit needs a Linux machine"
        )
    return int(found[1]) // 1024
