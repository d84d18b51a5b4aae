"""What cards do, as their makers' tools print it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_PAIR = re.compile(r"(\d+)\s*/\s*(\d+)")
# npu-smi's word for how a card is (facts A4.3): in the first of a card's two lines.
_HEALTH = ("OK", "Warning", "Alarm", "Critical", "UNKNOWN")


@dataclass(frozen=True, kw_only=True)
class CardUse:
    """One card, as the container counts it; None: it does not tell."""

    index: str
    name: str
    used_percent: float | None
    memory_used_mib: int | None
    memory_total_mib: int | None


NVIDIA_SMI = (
    "nvidia-smi",
    "--query-gpu=index,name,utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)
NPU_SMI = ("npu-smi", "info")


def of_nvidia_smi(text: str) -> tuple[CardUse, ...]:
    """Read the answer to NVIDIA_SMI; a figure may be [N/A], and a dead card a sentence without figures."""
    rows = ([cell.strip() for cell in line.split(",")] for line in text.splitlines())
    return tuple(
        CardUse(
            index=row[0],
            name=row[1],
            used_percent=_number(row[2]),
            memory_used_mib=_whole(row[3]),
            memory_total_mib=_whole(row[4]),
        )
        for row in rows
        if len(row) == 5
    )


def of_npu_smi(text: str) -> tuple[CardUse, ...]:
    """Read npu-smi's table: two lines a chip; its width, and whether it has HBM, differ between versions."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines()]
    return tuple(
        _chip(first, second)
        for first, second in pairwise(rows)
        if len(first) >= 3 and len(second) >= 3 and first[1] in _HEALTH and _PAIR.search(second[2])
    )


def _chip(first: list[str], second: list[str]) -> CardUse:
    npu, _, name = first[0].partition(" ")
    chip = second[0].split()[0]
    figures = second[2].split()
    used, total = _PAIR.findall(second[2])[-1]  # HBM, where there is any, comes after DDR
    return CardUse(
        index=npu if chip == "0" else f"{npu}.{chip}",
        name=name.strip(),
        used_percent=_number(figures[0]),
        memory_used_mib=int(used),
        memory_total_mib=int(total),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None  # [N/A], NA, -


def _whole(text: str) -> int | None:
    number = _number(text)
    return None if number is None else int(number)
