"""`envkit train` to a script's first line, beside `docker run python` and torchrun in the same image."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.builds import ENVKIT, seconds
from tests.bench.smoke import IMAGE
from tests.bench.table import Row

_TIMES = 5
_FIRST = b"first line"
_SCRIPT = f"print({_FIRST.decode()!r}, flush=True)\n"
_LINES = 200_000
_MANY = f"for number in range({_LINES}): print(f'step {{number}} loss {{1 / (number + 1):.6f}}')\n"


def measure() -> list[Row]:
    """Build an image with torch; return the rows."""
    seconds([ENVKIT, "build", "preset:cpu", "--tag", IMAGE])
    with tempfile.TemporaryDirectory(prefix="envkit-bench-") as folder:
        home, cache = Path(folder) / "home", Path(folder) / "cache"
        home.mkdir()
        (home / "first.py").write_text(_SCRIPT, "utf-8")
        (home / "many.py").write_text(_MANY, "utf-8")
        ours = [ENVKIT, "train", "--image", IMAGE, "--home", str(home), "--cache", str(cache)]
        bare = ["docker", "run", "--rm", "-v", f"{home}:/work/home", "-w", "/work/home", IMAGE]
        return [_one_process(home, ours, bare), *_two_processes(home, ours, bare)]


def _one_process(home: Path, ours: list[str], bare: list[str]) -> Row:
    return Row(
        what="train, to the first line",
        ours=_first([*ours, str(home / "first.py")]),
        baseline=_first([*bare, "python", "first.py"]),
        baseline_name="docker run python",
        goal=0.5,
        more=True,
    )


def _two_processes(home: Path, ours: list[str], bare: list[str]) -> list[Row]:
    torchrun = [*bare, "python", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return [
        Row(
            what="train --nproc 2, to the first line",
            ours=_first([*ours, "--nproc", "2", str(home / "first.py")]),
            baseline=_first([*torchrun, "first.py"]),
            baseline_name="docker run torchrun",
            goal=1.3,
        ),
        Row(
            what=f"train --nproc 2, {2 * _LINES:,} lines",
            ours=seconds([*ours, "--nproc", "2", str(home / "many.py")]),
            baseline=seconds([*torchrun, "many.py"]),
            baseline_name="docker run torchrun",
            goal=1.3,
        ),
    ]


def _first(command: Sequence[str]) -> float:
    """Return how long it takes until a command's first line, in the middle of some tries."""
    return statistics.median(_once(command) for _ in range(_TIMES))


def _once(command: Sequence[str]) -> float:
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None  # it was asked for
        for line in process.stdout:
            if _FIRST in line:
                took = time.monotonic() - started
                process.communicate()
                return took
    raise SystemExit(f"{command}: it never said {_FIRST!r}")


if __name__ == "__main__":
    from tests.bench.table import markdown

    print(markdown(measure()))
