"""A run's evidence: files that are replaced as a whole; a process, told from a later one of its number.

Whoever is killed at any time leaves the old file or the new one, never half of one. Python 3.8 and newer.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, List, Optional

Facts = Dict[str, Any]
ROOM = 65536  # bytes kept free for the last words of a run on a disk that it filled


def write(path: str, value: Facts, *, sync: bool = True) -> None:
    """Replace a file of JSON. Without `sync` it survives a kill, but maybe not the machine's."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
    replace(path, text.encode("utf-8", "replace"), sync=sync)


def replace(path: str, content: bytes, *, sync: bool = True) -> None:
    """Replace a file."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def read(path: str) -> Optional[Facts]:
    """Return what a file of JSON holds; None if there is none, or it is not ours."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def keep_room(folder: str) -> None:
    """Keep some of the disk for the end's words."""
    with open(os.path.join(folder, ".room"), "wb") as file:
        file.write(b"\0" * ROOM)


def free_room(folder: str) -> None:
    """Give it back."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(folder, ".room"))


def is_full(folder: str) -> bool:
    """Tell whether its disk has no room: what a script said last may be missing, too."""
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False


def tail(path: str) -> str:
    """Return the end of a log: enough for a long traceback."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - (1 << 18)))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def stat_of(pid: int) -> Optional[List[str]]:
    """Return /proc/PID/stat from its third field on (the state); None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def ticks_of(pid: int) -> int:
    """Return when a process started, in clock ticks since the machine did (field 22); 0 if it is gone."""
    fields = stat_of(pid)
    return int(fields[19]) if fields else 0


def identity() -> Facts:
    """Return which process this is, in words that outlive a reuse of its number."""
    boot = ""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    pid = os.getpid()
    return {
        "pid": pid,
        "started_ticks": ticks_of(pid),
        "boot_id": boot,
        "container": os.uname().nodename,
    }
