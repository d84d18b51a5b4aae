"""The user's Python and its torch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from envkit import compat
from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base_names import usable
from envkit.accelerators.fit import Misfit, Resolved
from envkit.plan.bases import BaseKnowledge
from envkit.plan.build_plan import Decision, PythonPlan, TorchPlan
from envkit.plan.facts import BuildFacts
from envkit.plan.kept import Kept, OwnPython
from envkit.spec.model import Spec


def choose_python(spec: Spec, base: BaseKnowledge, kept: Kept | None = None) -> tuple[PythonPlan, Decision]:
    """Choose the interpreter: the base's own where it is to be kept or the accelerator needs it, else the
    distribution's.
    """
    if kept and kept.python:
        return _own(kept.python, venv_of(kept))
    if ACCELERATORS[spec.accelerator].python_is_the_base_s and base.own_python:
        plan = PythonPlan(version=base.own_python, interpreter="python3", own_packages=True, packages=())
        reason = "the base brings the Python that its libraries need; its packages stay visible"
        _must_match(spec, base.own_python)
        return plan, Decision(name="python", value=base.own_python, reason=reason)
    if spec.torch_from == "base":
        plan = PythonPlan(version=spec.python, interpreter="python3", own_packages=True, packages=())
        reason = "the base's own, which has torch; its packages stay visible"
        return plan, Decision(name="python", value=spec.python, reason=reason)
    _must_match(spec, base.system_python)
    version = base.system_python
    plan = PythonPlan(
        version=version,
        interpreter=f"/usr/bin/python{version}",
        own_packages=False,
        packages=(f"python{version}",),
        home=venv_of(kept),
    )
    return plan, Decision(name="python", value=version, reason=f"{base.distribution}'s own python{version}")


def venv_of(kept: Kept | None) -> str:
    """Return where the user's Python is made: an adopted image may have one of its own at /opt/venv."""
    return "/opt/venv-envkit" if kept and kept.venv_taken else "/opt/venv"


def _own(own: OwnPython, home: str) -> tuple[PythonPlan, Decision]:
    plan = PythonPlan(
        version=own.version,
        interpreter=own.interpreter,
        own_packages=False,
        packages=(),
        folders=own.folders,
        home=home,
    )
    reason = f"the image's own, {own.program}: its packages stay, and {home} takes what is added"
    return plan, Decision(name="python", value=own.version, reason=reason)


def choose_torch(
    resolved: Resolved, python: PythonPlan, facts: BuildFacts, own_wheels: Sequence[str]
) -> tuple[TorchPlan | None, Decision]:
    """Say where the torch that fits comes from: `own_wheels` are those of the spec's own folder."""
    choice = resolved.torch
    if choice is None:
        return None, Decision(name="torch", value="none", reason="the spec names no torch")
    if not choice.requirements:
        plan = TorchPlan(
            version=choice.version, build=choice.build, requirements=(), index=None, of_base=True
        )
        return plan, Decision(name="torch", value=choice.version, reason=choice.reason)
    pattern = _wheel_pattern(choice.version, choice.build, python.version, facts.architecture)
    index, where = _source(pattern, facts, own_wheels)
    plan = TorchPlan(
        version=choice.version,
        build=choice.build,
        requirements=choice.requirements,
        index=None if index is None else index + choice.build,
        npu=choice.npu,
    )
    reason = f"{choice.reason}; {where}"
    return plan, Decision(name="torch", value=f"{choice.version} ({choice.build})", reason=reason)


def _source(pattern: str, facts: BuildFacts, own_wheels: Sequence[str]) -> tuple[str | None, str]:
    """Return the index to ask, None when a wheel is at hand, and the reason."""
    if any(re.fullmatch(pattern, name) for name in own_wheels):
        return None, "its wheel is in the spec's own folder"
    if any(re.fullmatch(pattern, name) for name in facts.wheels):
        return None, "its wheel is in a folder of this machine's pip (`find-links`)"
    if facts.reachable.get("torch") is False:
        where = "its index cannot be reached, and no wheel of it is at hand"
    else:
        where = "from its makers' index"
    return compat.table("torch")["index"], where


def _must_match(spec: Spec, available: str) -> None:
    if spec.python == available:
        return
    from_base = [row["image"] for row in usable().values() if row["python"] == spec.python]
    fix = f'write `python: "{available}"`'
    if from_base:
        fix += f", or use a base of {' or '.join(from_base)}"
    raise Misfit(key="python", what=f"the base has Python {available}, not {spec.python}", fix=fix)


def _wheel_pattern(torch: str, build: str, python: str, architecture: str) -> str:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(architecture, architecture)
    tag = "cp" + python.replace(".", "")
    return rf"torch-{re.escape(torch)}\+{re.escape(build)}-{tag}-.*_{machine}\.whl"
