"""The user's Python, and where its torch comes from."""

from __future__ import annotations

from typing import Any

import pytest

from envkit import compat
from envkit.accelerators.fit import Misfit
from envkit.plan.bases import BaseKnowledge
from envkit.plan.build_plan import Decision, PythonPlan, TorchPlan
from envkit.plan.facts import BuildFacts
from envkit.plan.python import choose_python, choose_torch
from envkit.plan.resolve import resolve
from envkit.spec.model import Spec

DEBIAN = BaseKnowledge(distribution="debian:12", system_python="3.11", own_python=None, reason="")
CANN = BaseKnowledge(distribution="ubuntu:22.04", system_python="3.10", own_python="3.11", reason="")
INDEX = compat.table("torch")["index"]
PLAN = PythonPlan(
    version="3.11", interpreter="/usr/bin/python3.11", own_packages=False, packages=("python3.11",)
)


def spec(**keys: Any) -> Spec:
    return Spec.model_validate({"name": "x", **keys})


def torch_of(facts: BuildFacts, *own_wheels: str) -> tuple[TorchPlan | None, Decision]:
    return choose_torch(resolve(spec(torch="2.13.0"), facts), PLAN, facts, own_wheels)


def test_the_distribution_s_python_is_taken() -> None:
    decision = Decision(name="python", value="3.11", reason="debian:12's own python3.11")
    assert choose_python(spec(), DEBIAN) == (PLAN, decision)


def test_a_base_whose_libraries_need_its_own_python_gives_that_one() -> None:
    plan, decision = choose_python(spec(accelerator="ascend"), CANN)
    assert plan == PythonPlan(version="3.11", interpreter="python3", own_packages=True, packages=())
    reason = "the base brings the Python that its libraries need; its packages stay visible"
    assert decision == Decision(name="python", value="3.11", reason=reason)


def test_its_own_python_is_only_for_the_accelerator_that_needs_it() -> None:
    assert choose_python(spec(python="3.10"), CANN)[0].interpreter == "/usr/bin/python3.10"


@pytest.mark.parametrize(
    ("python", "base", "what", "fix"),
    [
        (
            "3.12",
            DEBIAN,
            "the base has Python 3.11, not 3.12",
            'write `python: "3.11"`, or use a base of ubuntu:24.04',
        ),
        ("3.9", DEBIAN, "the base has Python 3.11, not 3.9", 'write `python: "3.11"`'),
    ],
)
def test_another_python_than_the_base_has_is_refused(
    python: str, base: BaseKnowledge, what: str, fix: str
) -> None:
    with pytest.raises(Misfit) as error:
        choose_python(spec(python=python), base)
    assert error.value == Misfit(key="python", what=what, fix=fix)


def test_no_torch_is_none() -> None:
    decision = Decision(name="torch", value="none", reason="the spec names no torch")
    assert choose_torch(resolve(spec(), BuildFacts()), PLAN, BuildFacts(), ()) == (None, decision)


def test_torch_comes_from_its_index_when_no_wheel_is_at_hand() -> None:
    plan, decision = torch_of(BuildFacts())
    assert plan == TorchPlan(
        version="2.13.0", build="cpu", requirements=("torch==2.13.0+cpu",), index=f"{INDEX}cpu"
    )
    assert decision == Decision(
        name="torch",
        value="2.13.0 (cpu)",
        reason="accelerator is cpu: the build without CUDA; from its makers' index",
    )


@pytest.mark.parametrize(
    ("wheel", "fits"),
    [
        ("torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", True),
        ("torch-2.13.0+cpu-cp311-none-linux_x86_64.whl", True),
        ("torch-2.13.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl", False),
        ("torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_aarch64.whl", False),
        ("torch-2.13.0+cu130-cp311-cp311-manylinux_2_28_x86_64.whl", False),
        ("torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl", False),
        ("torch-2.13.00+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", False),
        ("torch-2x13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", False),
    ],
)
def test_a_wheel_counts_when_it_is_this_torch_for_this_python_and_machine(wheel: str, fits: bool) -> None:
    plan, _ = torch_of(BuildFacts(wheels=(wheel,)))
    assert plan is not None and (plan.index is None) == fits


def test_the_engine_s_architecture_chooses_the_wheel() -> None:
    wheel = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_aarch64.whl"
    plan, _ = torch_of(BuildFacts(architecture="arm64", wheels=(wheel,)))
    assert plan is not None and plan.index is None


def test_an_index_that_cannot_be_reached_is_said() -> None:
    _, decision = torch_of(BuildFacts(reachable={"torch": False}))
    assert decision.reason.endswith("; its index cannot be reached, and no wheel of it is at hand")
