"""Run the smoke test's checks, those that may in one process, and print a marked line of JSON for each.

A check that hangs, crashes or raises costs the others nothing: its process is ended, and the rest goes on in
a new one (a card's error can poison the process that met it). This program itself never imports torch.
"""

from __future__ import annotations

import json
import os
import platform
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Dict, List, Optional

from . import smoke_processes as processes

Facts = Dict[str, Any]
MARK = "envkit-smoke "


def main(plan: Facts) -> None:
    """Run the plan's checks in their order."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    processes.die_with_parent()
    say({"machine": machine()})
    with tempfile.TemporaryDirectory(prefix="envkit-smoke-") as folder:
        waiting = list(plan["checks"])
        while waiting:
            waiting = Process(plan, waiting, Path(folder)).run()
    say({"end": True})


def say(value: Facts) -> None:
    """Print a line for envkit."""
    print(MARK + json.dumps(value), flush=True)


def machine() -> Facts:
    """Tell what this runs on, without torch."""
    try:
        about = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        about = ""
    model = re.search(r"^model name\s*:\s*(.+)$", about, re.MULTILINE)
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "processor": model.group(1).strip() if model else platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
    }


class Process:
    """One Python that runs checks until all are done or one of them went wrong."""

    def __init__(self, plan: Facts, waiting: List[Facts], folder: Path) -> None:
        alone = [number for number, check in enumerate(waiting) if check.get("alone")]
        own = 1 if alone[:1] == [0] else (alone or [len(waiting)])[0]
        self._mine, self._rest = waiting[:own], waiting[own:]
        self._plan, self._folder = plan, folder
        self._text = b""

    def run(self) -> List[Facts]:
        """Run; return the checks that are still to be run, by another process."""
        reader, writer = os.pipe()
        with (self._folder / "printed").open("w+b") as printed, os.fdopen(reader, "rb", 0) as lines:
            plan = {**self._plan, "checks": self._mine, "answers": writer, "folder": str(self._folder)}
            try:
                child = processes.start("smoke_child", plan, printed, keep=(writer,))
            finally:
                os.close(writer)
            try:
                return self._listen(child, lines, printed)
            finally:
                processes.end(child)

    def _listen(self, child: subprocess.Popen[bytes], lines: IO[bytes], printed: IO[bytes]) -> List[Facts]:
        """Pass on what is found; a silence that is too long, or an end that is too early, is found too."""
        waiting = list(self._mine)
        limit_s, began = float(self._plan["start_limit_s"]), time.monotonic()
        while waiting:
            line = self._line(lines, began + limit_s)
            if line:
                told = json.loads(line.decode())
            else:
                how = processes.how_ended(child) if line == b"" else f"did not end within {limit_s:.0f} s"
                processes.end(child)
                facts: Facts = {"error": how}
                told = {"check": waiting[0]["id"], "facts": facts, "seconds": time.monotonic() - began}
            if "error" in told["facts"]:
                told["facts"]["printed"] = processes.last_words(printed)
            say(told)
            done, began = waiting.pop(0), time.monotonic()
            if "error" in told["facts"]:
                return self._without(done, waiting + self._rest)
            limit_s = float(waiting[0]["limit_s"]) if waiting else 0.0
        return self._rest

    def _without(self, failed: Facts, left: List[Facts]) -> List[Facts]:
        """Return what can still be run; when all the others need what failed, that is nothing."""
        if not failed.get("needed"):
            return left
        for check in left:
            say({"check": check["id"], "facts": {"missing": f"{failed['id']} failed"}, "seconds": 0.0})
        return []

    def _line(self, lines: IO[bytes], deadline: float) -> Optional[bytes]:
        """Return the next line; empty at the end, None when the time is over."""
        while b"\n" not in self._text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([lines], [], [], left)[0]:
                return None
            part = lines.read(1 << 16)
            if not part:
                return b""
            self._text += part
        line, _, self._text = self._text.partition(b"\n")
        return line
