"""The table of `make bench`: each row beside its baseline of the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that was measured: envkit's figure, its baseline's, and the goal."""

    what: str
    ours: float
    baseline: float
    baseline_name: str
    goal: float  # of ours / baseline; of ours alone when `absolute`, of ours - baseline when `more`
    unit: str = "s"
    absolute: bool = False
    more: bool = False
    least: bool = False  # more is better: the goal is what must be reached

    @property
    def score(self) -> float:
        """Return what is held against the goal."""
        if self.more:
            return self.ours - self.baseline
        return self.ours if self.absolute else self.ours / self.baseline

    @property
    def is_met(self) -> bool:
        """Tell whether the goal was reached."""
        return self.score >= self.goal if self.least else self.score <= self.goal

    def cells(self) -> tuple[str, ...]:
        """Return the row as it is printed."""
        if self.more:
            goal = f"<= {self.goal:g} {self.unit} more"
        else:
            goal = f"{self.goal:g} {self.unit}" if self.absolute else f"{self.goal:g} x"
            goal = f"{'>=' if self.least else '<='} {goal}"
        return (
            self.what,
            figure(self.ours, self.unit),
            f"{figure(self.baseline, self.unit)} ({self.baseline_name})",
            f"{self.ours / self.baseline:.2f} x" if self.baseline else "",
            goal,
            "met" if self.is_met else "MISSED",
        )


HEADERS = ("what", "envkit", "baseline", "ratio", "goal", "")


def figure(value: float, unit: str) -> str:
    """Return a figure with as many digits as it deserves."""
    digits = 3 if value < 1 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def markdown(rows: Sequence[Row]) -> str:
    """Return the table as the README holds it; it reads well on a terminal too."""
    lines = [HEADERS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADERS))]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in ruled
    )
