"""Read what a run printed: of all its processes or of one, of the last attempt or an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from envkit.errors import HostError, UsageError
from envkit.hosts.base import PART_BYTES, Command, Host
from envkit.run.follow import shown_log
from envkit.run.listing import Run
from envkit.run.log_file import cut_of, read_on

# The log may grow while it is looked at: the place is found in what was there at first.
_PLACE = """
all=$(wc -c <"$1") || exit
last=$(tail -c +$(($3 + 1)) -- "$1" | head -c $((all - $3)) | tail -n "$2" | wc -c)
echo $((all - last))
"""
_TIMEOUT_S = 120.0  # to count the lines of a log of some GB


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which part of a run's output."""

    rank: int | None = None
    attempt: int | None = None
    tail: int | None = None


def log_of(run: Run, wanted: Wanted) -> PurePosixPath:
    """Return the log that is meant; UsageError when there is no such process or attempt."""
    processes = run.record.nproc * run.record.nodes
    if wanted.rank is not None and wanted.rank >= processes:
        raise UsageError(
            f"run {run.name} has no rank {wanted.rank}",
            fix=f"0 to {processes - 1}" if processes > 1 else "it has one process, rank 0: leave --rank out",
        )
    number = wanted.attempt or run.attempt
    if number > run.attempt:
        raise UsageError(
            f"run {run.name} has had {run.attempt} attempts", fix=f"--attempt 1 to {run.attempt}"
        )
    return shown_log(run.folder.attempt(number), processes, wanted.rank)


def offset_of(host: Host, log: PurePosixPath, tail: int | None) -> int:
    """Return where the last so many lines of a log begin."""
    if tail is None or host.read_from(Path(log), 0) is None:
        return 0
    cut = cut_of(host, log)
    begin = 0 if cut is None or cut.moved else cut.to  # before it is nothing but what was left out
    words = ("sh", "-c", _PLACE, "sh", str(log), str(tail), str(begin))
    done = host.run(Command(words=words, env={"LC_ALL": "C"}, timeout_s=_TIMEOUT_S))
    if done.code != 0 or not done.stdout.strip().isdigit():
        raise HostError(f"{log} cannot be read: {done.stderr.strip()}", fix="look at its permissions")
    return int(done.stdout)


def read(host: Host, run: Run, wanted: Wanted) -> Iterator[bytes]:
    """Yield what stands in the log, as it was printed."""
    log = log_of(run, wanted)
    offset = offset_of(host, log, wanted.tail)
    while found := read_on(host, log, offset):
        part, following = found
        yield part
        if following - offset < PART_BYTES:
            return
        offset = following
