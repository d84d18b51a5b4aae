"""Whether an accelerator computes: what nvidia-smi and npu-smi print, and what that means.

Use is utilisation: a notebook that merely holds memory of a card is just what an idle stop is for. Where
a card does not tell its utilisation (MIG), a process on it counts.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .idle_judge import Signal

_TIMEOUT_S = 20.0  # nvidia-smi wakes a sleeping card first: seconds on a machine with many
_BUS = re.compile(r"[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]")
_NO_CARD = "none in here"

Run = Callable[[tuple[str, ...]], str]


@dataclass(frozen=True, kw_only=True)
class Cards:
    """What a tool told: utilisation in percent by card (None: it does not tell), and processes."""

    used: tuple[float | None, ...]
    processes: tuple[str, ...] = ()


class Untold(Exception):
    """A tool failed, or printed what is not understood."""


def nvidia(run: Run) -> Cards:
    """Ask nvidia-smi."""
    csv = "--format=csv,noheader,nounits"
    used = [
        line.split(",") for line in run(("nvidia-smi", "--query-gpu=index,utilization.gpu", csv)).splitlines()
    ]
    if not used or any(len(row) != 2 for row in used):
        raise Untold("nvidia-smi lists no card")
    rows = run(("nvidia-smi", "--query-compute-apps=pid,process_name,used_memory", csv)).splitlines()
    names = tuple(row.split(",")[1].strip() for row in rows if row.count(",") >= 2)
    return Cards(used=tuple(_number(row[1]) for row in used), processes=names)


def ascend(run: Run) -> Cards:
    """Ask npu-smi; its tables differ between versions, their labels do not (facts/accelerators.md, A4.3)."""
    rows = [_cells(line) for line in run(("npu-smi", "info")).splitlines() if line.startswith("|")]
    column = next((n for row in rows for n, cell in enumerate(row) if cell.startswith("AICore(%)")), None)
    chips = [row for row in rows if len(row) > 1 and _BUS.fullmatch(row[1])]
    if column is None or not chips:
        raise Untold("npu-smi's table is not understood")
    running = [row for row in rows if len(row) >= 3 and row[1].isdigit()]
    return Cards(
        used=tuple(_number(chip[column].split()[0]) for chip in chips),
        processes=tuple(row[2] for row in running),
    )


def judge_cards(told: Iterable[Cards]) -> Signal:
    """Judge what the tools told; none told anything: there is no card in here."""
    found = list(told)
    if not found:
        return Signal(name="accelerator", value=_NO_CARD)
    used = [percent for cards in found for percent in cards.used]
    names = [name for cards in found for name in cards.processes]
    most = max((percent for percent in used if percent is not None), default=None)
    hold = f", {len(names)} processes hold memory" if names else ""
    if most is None:
        value = f"{len(used)} cards that do not tell their use, {len(names)} processes"
        return Signal(name="accelerator", value=value, active=bool(names))
    return Signal(name="accelerator", value=f"{most:g} % of {len(used)} cards{hold}", active=most > 0)


def look(run: Run | None = None, devices: Path = Path("/dev")) -> Signal:
    """Ask the tools that are here; a card without its tool, and a tool that fails, is a failed signal."""
    tools = (("nvidia-smi", "nvidia[0-9]*", nvidia), ("npu-smi", "davinci[0-9]*", ascend))
    told = []
    for tool, nodes, ask in tools:
        there = any(devices.glob(nodes))
        if not there and shutil.which(tool) is None:
            continue
        try:
            told.append(ask(run or _run))
        except Untold as error:
            if there:
                return Signal(name="accelerator", value=str(error), failed=True)
    return judge_cards(told)


def _run(words: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise Untold(f"there is a card, and no {words[0]} to ask") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Untold(f"{words[0]}: {error}") from error
    if done.returncode:
        said = (done.stdout.strip() or done.stderr.strip() or "it says nothing").splitlines()[0]
        raise Untold(f"{words[0]} failed: {said[:120]}")
    return done.stdout


def _number(text: str) -> float | None:
    try:
        return float(text.strip())
    except ValueError:
        return None  # [N/A], NA, -


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
