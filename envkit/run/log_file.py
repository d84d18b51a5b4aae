"""Read on in a run's log, past what was left out of its middle (probes/run_limit.py)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from envkit.hosts.base import Host
from envkit.run.going import record


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Which bytes of a log are no more; once it has ended the file has no such place (`moved`)."""

    begin: int
    to: int
    moved: bool = False


def read_on(host: Host, log: PurePosixPath, offset: int) -> tuple[bytes, int] | None:
    """Return what stands at an offset, and where to read on; None when there is no such file."""
    part = host.read_from(Path(log), offset)
    if part is None:
        return None
    cut = cut_of(host, log) if b"\0" in part else None
    if cut is not None:
        begin, end = max(cut.begin, offset), min(cut.to, offset + len(part))
        if begin < end and b"\0" in part[begin - offset : end - offset]:
            return part[: begin - offset], cut.to
    return part, offset + len(part)


def cut_of(host: Host, log: PurePosixPath) -> Cut | None:
    """Return what was left out of a log so far; None: nothing."""
    return record(host, Cut, log.with_name(f"{log.name}.cut"))


def settled(host: Host, log: PurePosixPath, offset: int) -> int:
    """Return where to read on in the log of an attempt that has ended, which may be shorter by then."""
    cut = cut_of(host, log) if offset else None
    if cut is None or not cut.moved or offset <= cut.begin:
        return offset
    return cut.begin + max(0, offset - cut.to)
