"""Follow the logs of a run's processes: onto stdout, and for several also into one log of whole lines.

The processes write into their own files with nothing between; this reads behind them, so that whatever
happens here costs them nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Dict, Optional, Tuple

from .run_limit import CUT, past_hole

STEP = 1 << 20  # bytes read at a time
LONGEST = 1 << 20  # what is longer than this without an end of line becomes a line
BAR_S = 5.0  # between two states of a progress bar: often enough to see that it moves, and no flood
PAUSE_S = 0.05  # between two looks; a person takes it for at once


class Follower:
    """Reads on where it stopped, and gives what is new to its listener."""

    def __init__(self, path: str, offset: int = 0) -> None:
        self._path = path
        self._file: Optional[int] = None
        self._offset = offset

    def read(self) -> bytes:
        """Return what has come since, up to a limit; nothing while there is no file."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return b""
        try:
            part = os.pread(self._file, STEP, self._offset)
        except OSError:
            return b""
        new, self._offset = past_hole(self._path, part, self._offset)
        return new

    def close(self) -> None:
        """Be done."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Lines:
    """Turns one process's bytes into whole lines that begin with its name."""

    def __init__(self, name: str) -> None:
        self._prefix = f"[{name}] ".encode()
        self._rest = b""
        self._bar_at: Optional[float] = None  # when its progress bar was last shown

    def take(self, new: bytes) -> bytes:
        """Return the lines that are whole by now."""
        text = self._rest + new
        end = text.rfind(b"\n") + 1
        self._rest = text[end:]
        whole = self._marked(text[:end]) if end else b""
        if len(self._rest) > LONGEST:
            whole += self.last()
        return whole

    def bar(self, now: float) -> bytes:
        """Return how far a progress bar has come, as a line, now and then: its own may end in an hour.

        The `\\r` that begins its next state becomes that line's end: no byte comes or goes by it.
        """
        end = self._rest.rfind(b"\r", 1, -1)
        if end < 0:
            return b""
        if self._bar_at is not None and now - self._bar_at < BAR_S:
            return b""
        self._bar_at, text, self._rest = now, self._rest[:end], self._rest[end + 1 :]
        return self._marked(text + b"\n")

    def last(self) -> bytes:
        """Return what stands after the last end of line, as a line."""
        rest, self._rest = self._rest, b""
        return self._marked(rest + b"\n") if rest else b""

    def _marked(self, text: bytes) -> bytes:
        return self._prefix + text[:-1].replace(b"\n", b"\n" + self._prefix) + b"\n"


class Merger:
    """Follows all logs in a thread of its own until it is told that they are complete."""

    def __init__(
        self,
        folder: str,
        ranks: Dict[int, str],
        merged: Optional[str],
        echo: bool,
        done: Optional[Dict[int, int]] = None,
    ) -> None:
        since = done or {}  # bytes of each log that are merged already
        self._followers = {rank: Follower(_log(folder, rank), since.get(rank, 0)) for rank in ranks}
        self._lines = {rank: Lines(name) for rank, name in ranks.items()}
        self._merged_path = merged
        self._merged: Optional[int] = None
        self._echo = echo
        self._complete = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def finish(self, limit_s: float) -> None:
        """Read to the end; a reader of stdout that does not read is left behind after the limit."""
        self._complete.set()
        self._thread.join(limit_s)

    def _run(self) -> None:
        if self._merged_path is not None:
            with contextlib.suppress(OSError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                self._merged = os.open(self._merged_path, flags, 0o666)
        while True:
            complete = self._complete.is_set()  # asked before the look: what came before it is read
            if not self._look() and (complete or self._complete.wait(PAUSE_S)) and complete:
                break
        for rank, lines in self._lines.items():
            self._give(lines.last() if self._merged_path is not None else b"")
            self._followers[rank].close()
        if self._merged is not None:
            os.close(self._merged)

    def _look(self) -> bool:
        """Hand on what is new; tell whether anything was."""
        seen = False
        for rank, follower in self._followers.items():
            new = follower.read()
            if new:
                seen = True
                if self._merged_path is not None:
                    lines = self._lines[rank]
                    new = lines.take(new) + lines.bar(time.monotonic())
                self._give(new)
        return seen

    def _give(self, text: bytes) -> None:
        if self._merged is not None:
            self._merged = _written(self._merged, text)
        if self._echo:
            self._echo = _written(1, text) is not None


def merge_rest(folder: str, ranks: Dict[int, str], merged: str, limit_s: float) -> None:
    """Add what a merger that was killed had not got to: the last words of an attempt are worth most.

    A log whose middle was left out is not counted again: each process's own log has all that is kept.
    """
    if any(os.path.exists(path + CUT) for path in [merged, *(_log(folder, rank) for rank in ranks)]):
        return
    done, torn = _merged_so_far(merged, ranks)
    # Whose line was torn comes first: a reader who is past its beginning finds the same bytes there.
    order = sorted(ranks, key=lambda rank: rank != torn)
    merger = Merger(folder, {rank: ranks[rank] for rank in order}, merged, False, done)
    merger.start()
    merger.finish(limit_s)


def _merged_so_far(merged: str, ranks: Dict[int, str]) -> Tuple[Dict[int, int], Optional[int]]:
    """Return how many bytes of each log are there, and whose line was torn: it is taken out."""
    begins = {f"[{name}] ".encode(): rank for rank, name in ranks.items()}
    done: Dict[int, int] = {}
    with contextlib.suppress(FileNotFoundError), open(merged, "r+b") as file:
        for line in file:
            begin = line[: line.find(b"] ") + 2]
            rank = begins.get(begin)
            if not line.endswith(b"\n"):
                file.truncate(file.tell() - len(line))
                return done, rank
            if rank is not None:
                done[rank] = done.get(rank, 0) + len(line) - len(begin)
    return done, None


def _log(folder: str, rank: int) -> str:
    return os.path.join(folder, f"rank-{rank}.log")


def _written(file: int, text: bytes) -> Optional[int]:
    """Write all of it; return the file, or None when it takes no more: no reader, or a full disk."""
    view = memoryview(text)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError:
        return None
    return file
