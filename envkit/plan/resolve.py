"""Exact values for what a spec leaves open, from its target: base, torch, CUDA line, torch_npu."""

from __future__ import annotations

from dataclasses import replace

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base_names import usable
from envkit.accelerators.fit import Misfit, Resolved, Target, TorchChoice, Wish, below
from envkit.plan.bases import BaseKnowledge
from envkit.plan.facts import BuildFacts
from envkit.spec.model import Spec


def resolve(spec: Spec, facts: BuildFacts) -> Resolved:
    """Decide what fits; raise Misfit, which names the spec's key, when nothing does."""
    resolved = ACCELERATORS[spec.accelerator].resolve(wish_of(spec, facts))
    if spec.torch_from != "base" or spec.torch is None:
        return resolved
    reason = "the base brings it, in its own Python: no package of the spec replaces it"
    return replace(
        resolved, torch=TorchChoice(version=spec.torch, build="any", requirements=(), reason=reason)
    )


def wish_of(spec: Spec, facts: BuildFacts) -> Wish:
    """Return what a spec says of what must fit together."""
    target = Target(
        chip=spec.target.chip or "",
        driver=spec.target.driver or "",
        machine=spec.target.machine or facts.architecture,
    )
    return Wish(
        base=spec.base,
        os=spec.os or "",
        python=spec.python,
        torch=None if spec.torch_from == "base" else spec.torch,
        torch_npu=spec.torch_npu,
        cuda=spec.cuda,
        target=target,
    )


def refuse_old_glibc(resolved: Resolved, base: BaseKnowledge) -> None:
    """Raise Misfit when torch's wheels ask for a later glibc than the base has: pip would not find them."""
    torch = resolved.torch
    if torch is None or not torch.glibc or not base.glibc or not below(base.glibc, torch.glibc):
        return
    rows = [row for row in usable().values() if not below(row["glibc"], torch.glibc)]
    good = [row["image"] for row in rows if row["python"] == base.system_python]
    what = f"torch {torch.version}" + (f" with torch_npu {torch.npu}" if torch.npu else "")
    raise Misfit(
        key="base",
        what=f"{base.distribution} has glibc {base.glibc}, the wheels of {what} need {torch.glibc}",
        fix=f"use a base of {' or '.join(good or [row['image'] for row in rows])}",
    )
