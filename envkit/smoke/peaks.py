"""What a card's maker promises of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envkit import compat


@dataclass(frozen=True, kw_only=True)
class Peak:
    """A row of compat/peaks.json."""

    tflops: float  # dense, in bfloat16 or float16
    gbytes_per_s: float  # of its memory
    link: float | None  # GB/s to another card of the machine, one way
    only_warns: bool  # its clocks drop under load, or the figure is not sure: falling short proves nothing
    only: str | None  # the one small type that its matrix units know
    source: str
    measured: float | None = None  # TFLOPS that the best public measuring program reached on such a card


def of(device: str) -> Peak | None:
    """Return what is published of a device of that name; None for an unknown one, or a part of one."""
    if "MIG" in device:
        return None
    for row in compat.table("peaks")["rows"]:
        if re.search(row["name"], device):
            return Peak(
                tflops=row["tflops"],
                gbytes_per_s=row["gbytes_per_s"],
                link=row.get("link"),
                only_warns=row.get("judged") == "warn",
                only=row.get("only"),
                source=row["source"],
                measured=row.get("measured"),
            )
    return None
