"""The cache's program: sent to the machine's own Python over stdin, it takes one JSON word and prints JSON.

Modes: `status` and `dry` only look; `clean` removes; `auto` removes, and stops by itself when something is
odd; `wipe` leaves the folder empty.
"""

from __future__ import annotations

import json
import os
import resource
import time
from contextlib import suppress
from typing import Any

from .cache_look import DAY, JOURNAL, MARKER, OURS, TAG, TRASH, Cache, Entry, Refused
from .cache_remove import Sweep

# bford.info/cachedir: backup programs leave such a folder out.
TAG_TEXT = b"Signature: 8a477f597d28d172789f06886806bc55\n# envkit's cache: what is not used is removed.\n"
JOURNAL_BYTES = 1 << 20
AUTO_PAUSE_S = 6 * 3600.0  # `up` may come often; what is days old can wait for hours
AUTO_BUDGET_S = 10.0  # nobody waits longer for an IDE because of its cache
UNTRUSTED = 10  # where reading leaves no trace, the automatic run waits so many times as long
STALE_LOOK_S = 2.0  # who was looked at before that is looked at again before it goes
SHOWN = 20


def main(asked: dict[str, Any], now: float | None = None) -> dict[str, Any]:
    """Do what is asked; return what there is to say."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # two handles a level of the deepest folder
    try:
        cache = Cache(asked, time.time() if now is None else now)
        try:
            mark(cache)
            return Run(cache, asked["mode"]).report()
        finally:
            cache.close()
    except Refused as refusal:
        return {"folder": asked["folder"], "refused": str(refusal)}


def mark(cache: Cache) -> None:
    """Make the folder ours when there is nothing in it; Refused when it holds what we did not make."""
    try:
        fd = os.open(MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=cache.root)
    except FileNotFoundError:
        if os.listdir(cache.root):
            raise Refused("not marked") from None
        for name, text in (
            (TAG, TAG_TEXT),
            (MARKER, b"envkit made this folder, and removes what is in it.\n"),
        ):
            made = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(name, made, 0o600, dir_fd=cache.root), "wb") as file:
                file.write(text)
        return
    except OSError as error:
        raise Refused(f"its marker {MARKER} is no file: {error.strerror}") from error
    owner = os.fstat(fd).st_uid
    os.close(fd)
    if owner not in (0, cache.info.st_uid):
        raise Refused(f"its marker {MARKER} belongs to uid {owner}")


class Run:
    """One run over a cache."""

    def __init__(self, cache: Cache, mode: str) -> None:
        self.cache, self.mode = cache, mode
        self.retention_s = float(cache.asked.get("retention_s", 0))
        if mode == "auto" and not cache.trusted:
            self.retention_s *= UNTRUSTED
        self.entries: list[Entry] = []
        self.finished = 0
        self.stopped = ""
        self.failures: list[str] = []

    def report(self) -> dict[str, Any]:
        """Carry the run out, and say how it went."""
        last = self.last_run()
        removing = self.mode in ("clean", "auto", "wipe")
        sweep = Sweep(self.cache)
        if removing:
            sweep.begin()
            self.failures = sweep.failures
        if self.mode == "auto":
            self.stopped = self.too_soon(last) or self.clock_jumped(last)
        if not self.stopped:
            if removing:
                self.finished = sweep.finish_trash()
            self.look()
        if removing and not self.stopped:
            self.stopped = self.brake() if self.mode == "auto" else ""
            if not self.stopped:
                self.remove(sweep)
                self.write_journal()
        if self.mode == "wipe" and not self.failures:
            self.remove_our_own()
        return self.told()

    def too_soon(self, last: dict[str, Any] | None) -> str:
        """Tell whether an earlier run is enough for today."""
        return "soon" if last and 0 <= self.cache.now - float(last["at"]) < AUTO_PAUSE_S else ""

    def clock_jumped(self, last: dict[str, Any] | None) -> str:
        """Compare the clock with the last run's: backwards always, forwards while the machine stayed on."""
        if last is None:
            return ""
        passed = self.cache.now - float(last["at"])
        if passed < -DAY:
            return "clock"
        if last.get("boot") == boot_id() and passed - (uptime() - float(last["uptime"])) > DAY:
            return "clock"
        return ""

    def look(self) -> None:
        """Measure every entry, and say what is to become of it."""
        for fd, name, path in self.cache.entries():
            if self.mode == "auto" and time.monotonic() - self.cache.started > AUTO_BUDGET_S:
                self.stopped = "large"
                return
            try:
                entry = self.cache.weigh(fd, name, path)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.failures.append(f"{path}: {error.strerror}")
                continue
            entry.state = self.judge(entry)
            self.entries.append(entry)

    def judge(self, entry: Entry) -> str:
        """Return what an entry is."""
        if self.mode == "wipe":
            return "foreign" if entry.foreign else "unused"
        if entry.newest > self.cache.now - self.retention_s:
            return "fresh"
        return "foreign" if entry.foreign else "in use" if entry.busy else "unused"

    def brake(self) -> str:
        """Tell whether more than half of the cache would go."""
        if self.stopped:
            return self.stopped
        goes = sum(one.bytes for one in self.entries if one.state == "unused")
        return "half" if goes * 2 > sum(one.bytes for one in self.entries) else ""

    def remove(self, sweep: Sweep) -> None:
        """Remove what is unused."""
        unused = {one.path: one for one in self.entries if one.state == "unused"}
        for fd, name, path in self.cache.entries() if unused else ():
            entry = unused.get(path)
            if entry is None:
                continue
            try:
                self.remove_one(sweep, fd, name, entry)
            except FileNotFoundError:
                entry.state = "gone"
            except OSError as error:
                self.failures.append(f"{path}: {error.strerror}")
            if entry.state == "removed":
                self.note({"removed": path, "bytes": entry.bytes, "used": round(entry.newest)})

    def remove_one(self, sweep: Sweep, fd: int, name: str, entry: Entry) -> None:
        """Remove an entry, after a second look when the first was long ago."""
        if self.mode != "wipe" and time.monotonic() - entry.seen > STALE_LOOK_S:
            entry.state = self.judge(self.cache.weigh(fd, name, entry.path))
        if entry.state == "unused":
            entry.state = "removed" if sweep.remove(fd, name, entry) else "kept"

    def remove_our_own(self) -> None:
        """Remove our own files: the folder is empty then."""
        os.rmdir(TRASH, dir_fd=self.cache.root)
        for name in (*sorted(OURS - {TRASH, MARKER}), MARKER):  # the marker last: it lets the next run go on
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.cache.root)

    def last_run(self) -> dict[str, Any] | None:
        """Return what the last run wrote of itself."""
        try:
            fd = os.open(JOURNAL, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.cache.root)
        except OSError:
            return None
        with os.fdopen(fd, "rb") as file:
            file.seek(max(0, os.fstat(fd).st_size - (64 << 10)))
            lines = file.read().splitlines()
        for line in reversed(lines):
            try:
                found = json.loads(line)
                if "uptime" in found:
                    return dict(found)
            except (ValueError, TypeError):
                continue  # a line that was cut off
        return None

    def write_journal(self) -> None:
        """Write that this run was, for the next one's look at the clock."""
        gone = [one for one in self.entries if one.state == "removed"]
        self.note(
            {
                "run": self.mode,
                "boot": boot_id(),
                "uptime": uptime(),
                "entries": len(gone),
                "bytes": sum(one.bytes for one in gone),
            }
        )

    def note(self, line: dict[str, Any]) -> None:
        """Append a line to the journal; a full disk is no reason to stop making room."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(JOURNAL, flags, 0o600, dir_fd=self.cache.root)
            with os.fdopen(fd, "ab") as file:
                file.write(json.dumps({"at": self.cache.now, **line}).encode() + b"\n")
                long = os.fstat(fd).st_size > JOURNAL_BYTES
            if long:
                root = self.cache.root
                os.rename(JOURNAL, JOURNAL + ".1", src_dir_fd=root, dst_dir_fd=root)
        except OSError as error:
            self.failures.append(f"{JOURNAL}: {error.strerror}")

    def told(self) -> dict[str, Any]:
        """Return the report: sums by state, all that is not fresh, and the largest of what is."""
        states: dict[str, dict[str, int]] = {}
        for one in self.entries:
            total = states.setdefault(one.state, {"entries": 0, "bytes": 0, "files": 0})
            for key, value in (("entries", 1), ("bytes", one.bytes), ("files", one.files)):
                total[key] += value
        largest = sorted(self.entries, key=lambda one: -one.bytes)
        shown = [one for one in largest if one.state != "fresh"]
        shown += [one for one in largest if one.state == "fresh"][:SHOWN]
        return {
            "folder": self.cache.folder,
            "filesystem": self.cache.filesystem,
            "reading_leaves_a_trace": self.cache.trusted,
            "retention_s": self.retention_s,
            "states": states,
            "entries": [
                {
                    "name": one.path,
                    "state": one.state,
                    "bytes": one.bytes,
                    "unused_s": round(self.cache.now - one.newest),
                }
                for one in shown
            ],
            "finished": self.finished,
            "stopped": self.stopped,
            "failures": self.failures,
        }


def uptime() -> float:
    """Return the seconds since the machine started, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return what is different after each start of the machine."""
    try:
        # As bytes: the owner, whom we have become, may not reach this Python's files any more.
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().decode().strip()
    except OSError:
        return ""
