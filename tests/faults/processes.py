"""`envkit` as processes of their own, to be killed: forked from one that has imported everything already.

A hundred of them start in the time that ten would need from the beginning. Run as a program, this is the
process they are forked from: it reads orders, one a line, and answers each with a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

DIE_AT_LINE = "ENVKIT_TEST_DIE_AT_LINE"  # 0: at none; the lines are counted
UNPROVEN = "ENVKIT_TEST_UNPROVEN"  # a save does all but `verify`: the tiny image has no IDE
_ROOT = Path(__file__).resolve().parents[2]
_ENVKIT = tuple(f"{_ROOT}/envkit/{part}/" for part in ("environment", "container", "engines"))
_HEAVY = (
    "envkit.cli.main",
    "envkit.engines.docker",
    "envkit.cli.up",
    "envkit.environment.up",
    "envkit.cli.rm",
    "envkit.cli.commit",
    "envkit.save.commit",
    "envkit.cli.push",
    "envkit.image.push",
)


@dataclass(frozen=True, kw_only=True)
class Process:
    """One running `envkit`."""

    pid: int
    output: Path
    source: Source

    def kill(self) -> None:
        """Kill it as `kill -9` does, and wait until it is gone."""
        self.source.order({"kill": self.pid})

    def line(self, words: str) -> str:
        """Return the line of its output that holds these words, once it is there."""
        deadline = time.monotonic() + 30
        while True:
            text = self.output.read_text("utf-8") if self.output.exists() else ""
            found = [line for line in text.splitlines() if words in line]
            if found:
                return found[0]
            assert time.monotonic() < deadline, text
            time.sleep(0.05)

    def wait(self) -> tuple[int, str]:
        """Return its exit code (negative: the signal), and what it said."""
        return self.source.order({"wait": self.pid}), self.output.read_text("utf-8")


class Source:
    """Where processes come from."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, words: tuple[str, ...], environment: dict[str, str], output: Path) -> Process:
        """Start `envkit WORDS`."""
        order = {"words": words, "environment": environment, "output": str(output)}
        return Process(pid=self.order(order), output=output, source=self)

    def order(self, what: object) -> int:
        """Give an order; return the answer."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def source() -> Iterator[Source]:
    """Begin; everything that is still running ends with it."""
    words = [sys.executable, "-m", "tests.faults.processes"]
    with subprocess.Popen(
        words, cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield Source(process)
        assert process.stdin
        process.stdin.close()


def _serve() -> None:
    for name in _HEAVY:
        __import__(name)
    running: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "words" in order:
            answer = os.fork() or _become(order)
            running.add(answer)
        else:
            pid = order.get("kill") or order["wait"]
            if "kill" in order:
                os.kill(pid, 9)
            answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            running.discard(pid)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for pid in running:  # of a test that failed
        os.kill(pid, 9)


def _become(order: dict[str, object]) -> int:
    """Be `envkit` from here on; this does not return."""
    from envkit.cli.main import envkit

    os.environ.update(order["environment"])  # type: ignore[call-overload]
    out = os.open(str(order["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115  the process's own
    if UNPROVEN in os.environ:
        _prove_nothing()
    lines = _Lines(int(os.environ.get(DIE_AT_LINE, 0)))
    sys.settrace(lines.trace if DIE_AT_LINE in os.environ else None)
    try:
        envkit(prog_name="envkit", args=order["words"])
    except SystemExit as end:
        sys.settrace(None)
        sys.stdout.write(f"lines: {lines.met}\n")
        sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
    os._exit(99)


def _prove_nothing() -> None:
    from envkit.image.proving import prove_as
    from envkit.save import commit

    commit.carry = partial(commit.carry, prove=partial(prove_as, verified=False))


class _Lines:
    """Counts the lines of envkit that are run, and kills the process at one of them."""

    def __init__(self, last: int) -> None:
        self.met, self._last = 0, last

    def trace(self, frame: FrameType, event: str, argument: object) -> object:
        """Hear of a line, as sys.settrace tells it."""
        if not frame.f_code.co_filename.startswith(_ENVKIT):
            return None
        self.met += event == "line"
        if self.met == self._last > 0:
            os.kill(os.getpid(), 9)
        return self.trace


if __name__ == "__main__":
    _serve()
