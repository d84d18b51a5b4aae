"""The plan of a build: what is decided, why, and what it carries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from envkit import compat
from envkit.accelerators.fit import Misfit, Needs
from envkit.accelerators.needs import to_label
from envkit.plan.build_plan import (
    BasePlan,
    BuildPlan,
    CodeServerPlan,
    Decision,
    ExtensionPlan,
    PythonPlan,
    StepPlan,
    ToolsPlan,
    TorchPlan,
    UserPlan,
)
from envkit.plan.facts import BaseFacts, BuildFacts, ContextFile, Inputs
from envkit.plan.make import base_reference, make
from envkit.spec.model import Spec

WHEEL = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
HERE = BuildFacts(wheels=(WHEEL,), reachable={"release": False, "gallery": False})
GALLERY_IS_AWAY = "; it cannot be reached from here: what is optional is left out, and the verdict says so"


NO_FILES = Inputs()
OPTIONAL = {"id": "ms-python.python", "optional": True}
PYTHON = PythonPlan(
    version="3.11", interpreter="/usr/bin/python3.11", own_packages=False, packages=("python3.11",)
)
TORCH = TorchPlan(version="2.13.0", build="cpu", requirements=("torch==2.13.0+cpu",), index=None)
TOOLS = ToolsPlan(
    base="debian:12",
    image="debian:12",
    system="debian-12",
    jupyterlab="4.6.6",
    hashed=True,
    code_server=None,
    packages=("ca-certificates", "python3", "python3-venv", "tini"),
    code_server_packages=(),
)


def plan_of(facts: BuildFacts = HERE, inputs: Inputs = NO_FILES, **keys: Any) -> BuildPlan:
    smallest = {"name": "x", "base": "debian:12", "python": "3.11"}
    return make(Spec.model_validate({**smallest, **keys}), facts, inputs, "shipped")


def decisions(plan: BuildPlan) -> dict[str, tuple[str, str]]:
    return {decision.name: (decision.value, decision.reason) for decision in plan.decisions}


COMPILERS = ("g++", "libkrb5-dev", "make", "pkg-config")


def test_a_whole_plan() -> None:
    plan = plan_of(torch="2.13.0", env={"A": "b"}, ide={"code_server": {"extensions": [OPTIONAL]}})
    tools = plan.tools.code_server
    assert tools == CodeServerPlan(
        version="4.138.0",
        source="npm",
        integrity=compat.table("code_server")["rows"]["4.138.0"]["npm"],
        extensions=(ExtensionPlan(id="ms-python.python", optional=True),),
        gallery=compat.table("code_server")["gallery"],
    )
    assert replace(plan, files=(), decisions=(), considered=(), labels=(), digest="") == BuildPlan(
        name="x",
        tag="x:dev",
        builder="buildkit",
        cache_prefix="envkit",
        template="cpu/Dockerfile.j2",
        accelerator="cpu",
        base=BasePlan(reference="debian:12", distribution="debian:12", manager="apt", image="debian:12"),
        tools=replace(TOOLS, code_server=tools, code_server_packages=COMPILERS),
        python=PYTHON,
        torch=TORCH,
        requirements=(),
        wheels=True,
        user=UserPlan(name="dev", uid=1000, gid=0),
        env=(("A", "b"),),
        labels=(),
        steps=(),
        own_door=False,
        tensorboard=True,
        lab_settings=None,
        code_settings=None,
        digest="",
        decisions=(),
        considered=(),
        needs=Needs(accelerator="cpu", machine="amd64"),
        warnings=(),
        blocked="",
        own_template="",
        files=(),
    )


def test_every_decision_has_its_reason() -> None:
    extension = {"id": "ms-python.python", "optional": True}
    plan = plan_of(torch="2.13.0", ide={"code_server": {"extensions": [extension, "mine.vsix"]}}, inputs=VSIX)
    assert decisions(plan) == {
        "base": ("debian:12", "the spec names it"),
        "distribution": ("debian:12", "the image's name says so"),
        "python": ("3.11", "debian:12's own python3.11"),
        "torch": (
            "2.13.0 (cpu)",
            "accelerator is cpu: the build without CUDA; "
            "its wheel is in a folder of this machine's pip (`find-links`)",
        ),
        "jupyterlab": ("4.6.6", "every package by its hash"),
        "code-server": ("4.138.0 from npm", "envkit knows no sha256 of the release file"),
        "extensions": (
            "ms-python.python (optional), mine.vsix",
            f"from the gallery and the spec's own files{GALLERY_IS_AWAY}",
        ),
        "user": ("dev (1000:0)", "owns the user's Python; any other uid can run the image with group 0"),
        "builder": ("buildkit", "caches are shared, and the network's secrets mounted"),
    }


VSIX = Inputs(files=(ContextFile(name="mine.vsix", content=b""),))


def test_auto_is_the_accelerator_s_base() -> None:
    plan = plan_of(base="auto", accelerator="cuda", python="3.12")
    assert plan.base.reference == base_reference(Spec(name="x", accelerator="cuda", python="3.12"))
    assert decisions(plan)["base"][1] == "`auto`: NVIDIA's image of CUDA 12.8 with Python 3.12"


def test_the_classic_builder_says_what_it_costs() -> None:
    plan = plan_of(BuildFacts(builder="classic"))
    reason = "no docker client here speaks BuildKit: no caches, and one stage after the other"
    assert (
        plan.builder == "classic"
        and Decision(name="builder", value="classic", reason=reason) in plan.decisions
    )


def test_torch_that_cannot_be_had_blocks_the_build() -> None:
    plan = plan_of(BuildFacts(reachable={"torch": False}), torch="2.13.0")
    assert plan.blocked == (
        "torch 2.13.0 (cpu) cannot be had here: its index cannot be reached, "
        "and no wheel of it is in the spec's folder or in those of this machine's pip"
    )
    assert plan_of(BuildFacts(reachable={"torch": True}), torch="2.13.0").blocked == ""
    assert plan_of(BuildFacts(), torch="2.13.0").blocked == "", "what was not tried does not block"


def test_a_wheel_of_the_spec_s_own_serves_like_the_machine_s() -> None:
    own = Inputs(files=(ContextFile(name=f"wh/{WHEEL}", content=b""),))
    plan = plan_of(BuildFacts(reachable={"torch": False}), own, torch="2.13.0", pip={"wheels": "wh"})
    assert (plan.blocked, plan.own_wheels, plan.torch and plan.torch.index) == ("", ("torch",), None)
    assert decisions(plan)["torch"][1].endswith("; its wheel is in the spec's own folder")


def test_the_machine_s_wheels_are_left_out_where_the_index_serves() -> None:
    other = BuildFacts(wheels=("numpy-1-cp311.whl",))
    assert not plan_of(other, torch="2.13.0").wheels


def test_the_label_says_what_verify_must_find() -> None:
    plan = plan_of(
        torch="2.13.0",
        env={"A": "b"},
        secrets=["HF_TOKEN", {"name": "B", "file": "~/b", "optional": True}],
        services={"tensorboard": False},
        ide={"code_server": {"own_door": True, "extensions": ["a.b@1.2.3"]}},
    )
    labels = dict(plan.labels)
    assert json.loads(labels.pop("io.envkit.expect")) == {
        "python": "3.11",
        "python_path": "/opt/venv/bin/python",
        "torch": {"version": "2.13.0", "build": "cpu", "npu": None},
        "services": ["jupyterlab", "code-server"],
        "own_door": True,
        "idle_stop": True,
        "extensions": [{"id": "a.b@1.2.3", "optional": False}],
        "env": {"A": "b"},
        "secrets": [
            {"name": "HF_TOKEN", "file": None, "optional": False},
            {"name": "B", "file": "~/b", "optional": True},
        ],
    }
    assert labels == {
        "io.envkit.owned": "true",
        "io.envkit.kind": "image",
        "io.envkit.name": "x",
        "io.envkit.contract": "2",
        "io.envkit.plan-digest": plan.digest,
        "io.envkit.accelerator": "cpu",
        "io.envkit.needs": to_label(Needs(accelerator="cpu", machine="amd64")),
        "org.opencontainers.image.title": "x",
        "org.opencontainers.image.base.name": "debian:12",
    }


def test_ours_win_over_a_user_s_label() -> None:
    labels = dict(plan_of(labels={"org.opencontainers.image.title": "mine", "a.b": "c"}).labels)
    assert (labels["org.opencontainers.image.title"], labels["a.b"]) == ("x", "c")


def test_code_server_can_be_left_out() -> None:
    plan = plan_of(ide={"code_server": "false"})
    assert plan.tools.code_server is None and "code-server" not in decisions(plan)
    assert "code-server" not in json.loads(dict(plan.labels)["io.envkit.expect"])["services"]


@pytest.mark.parametrize(("keys", "key"), [({}, "base"), ({"os": "fedora:40"}, "os")])
def test_a_base_that_nothing_tells_of_is_asked_for(keys: dict[str, str], key: str) -> None:
    with pytest.raises(Misfit) as error:
        plan_of(base="mine:1", **keys)
    assert error.value == Misfit(
        key=key,
        what="envkit cannot tell which distribution mine:1 is",
        fix="add `os:` with one of debian:12, debian:13, ubuntu:22.04, ubuntu:24.04, openeuler:24.03",
    )


def test_a_base_that_was_looked_into_needs_no_word() -> None:
    looked = BaseFacts(
        reference="mine:1",
        image_id="sha256:1",
        distribution="debian:12",
        glibc="2.36",
        system_python="3.11",
        system_python_candidate="3.11",
        package_manager="apt",
    )
    plan = plan_of(BuildFacts(base=looked), base="mine:1")
    assert decisions(plan)["distribution"] == ("debian:12", "read from the image")


def test_another_jupyterlab_is_taken_with_a_warning() -> None:
    plan = plan_of(ide={"jupyterlab": {"version": "4.7.0"}})
    assert not plan.tools.hashed
    assert plan.warnings == (
        "JupyterLab 4.7.0 is not the version of envkit's lock: its packages carry no hashes",
    )
    assert decisions(plan)["jupyterlab"][1] == "not the version of envkit's lock: packages are unhashed"


def test_steps_keep_their_order_and_say_what_they_do() -> None:
    inputs = Inputs(
        files=tuple(
            ContextFile(name=name, content=b"") for name in ("a b.conf", "s.sh", "data/one", "data/two")
        )
    )
    steps = [
        {"run": "true", "user": "root", "at": "before_packages"},
        {"script": "s.sh"},
        {"copy": "a b.conf", "to": "/etc/my.conf"},
        {"copy": "a b.conf", "to": "/etc/"},
        {"copy": "data", "to": "/opt/data"},
    ]
    assert plan_of(steps=steps, inputs=inputs).steps == (
        StepPlan(number=1, what="true", at="before_packages", as_root=True),
        StepPlan(number=2, what="s.sh", at="after_packages", as_root=False),
        StepPlan(
            number=3,
            what="a b.conf",
            at="after_packages",
            as_root=False,
            copy_to="/etc/my.conf",
            copy_file="a b.conf",
        ),
        StepPlan(
            number=4,
            what="a b.conf",
            at="after_packages",
            as_root=False,
            copy_to="/etc/",
            copy_file="a b.conf",
        ),
        StepPlan(number=5, what="data", at="after_packages", as_root=False, copy_to="/opt/data/"),
    )


def test_planning_twice_gives_the_same_plan() -> None:
    assert plan_of(torch="2.13.0") == plan_of(torch="2.13.0")
