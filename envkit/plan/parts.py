"""The parts of a build's plan while it is made."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.accelerators.fit import Resolved
from envkit.plan.build_plan import BasePlan, PythonPlan, ToolsPlan, TorchPlan


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What is decided, part by part."""

    base: BasePlan
    python: PythonPlan
    torch: TorchPlan | None
    tools: ToolsPlan
    digest: str
    resolved: Resolved
