"""The table of torch's builds, asked the same way for every accelerator."""

from __future__ import annotations

from typing import Any

from envkit import compat
from envkit.accelerators.base import Misfit, TorchWish, fits_python


def row_for(wish: TorchWish) -> dict[str, Any] | None:
    """Return the row of torch's minor version, None for an unknown one; Misfit when Python does not fit."""
    rows = compat.table("torch")["rows"]
    row: dict[str, Any] | None = rows.get(".".join(wish.torch.split(".")[:2]))
    if row and not fits_python(wish.python, row["python"]):
        lowest, highest = row["python"]
        good = [minor for minor, other in rows.items() if fits_python(wish.python, other["python"])]
        raise Misfit(
            key="python",
            what=f"torch {wish.torch} has no build for Python {wish.python}",
            fix=f"use Python {lowest} to {highest}, or torch {', '.join(good[:3])}",
        )
    return row
