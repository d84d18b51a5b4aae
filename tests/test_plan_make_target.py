"""A plan for another machine than the one that builds, and for what a spec leaves open."""

from __future__ import annotations

from envkit.plan.build_plan import PythonPlan, TorchPlan
from envkit.plan.facts import BuildFacts
from tests.test_plan_make import WHEEL, decisions, plan_of


def test_a_target_is_told_and_an_engine_that_makes_another_machine_s_images_is_named() -> None:
    plan = plan_of(
        BuildFacts(engine_makes="amd64", wheels=(WHEEL,)), torch="2.13.0", target={"machine": "arm64"}
    )
    assert decisions(plan)["target"] == ("machine arm64", "the spec names it")
    assert plan.needs.machine == "arm64" and not plan.wheels, "a wheel for the machine that builds is no use"
    assert plan.blocked.startswith(
        "the image is made for arm64: the engine's machine is amd64, and does not emulate it; "
        "let the engine's machine emulate arm64: `apt-get install qemu-user-static`"
    )
    assert (plan.base.image, plan.tools.image) == ("envkit-arm64/debian:12", "envkit-arm64/debian:12")
    assert plan_of(torch="2.13.0", target={"machine": "arm64"}).blocked == "", "nobody asked an engine"


def test_a_build_for_another_machine_is_said_to_be_emulated_and_keeps_caches_of_its_own() -> None:
    plan = plan_of(BuildFacts(engine_makes="amd64", emulates=True), target={"machine": "arm64"})
    assert decisions(plan)["machine"] == (
        "arm64, emulated",
        "the engine's machine is amd64: many times slower than on such a machine",
    )
    assert (plan.blocked, plan.cache_prefix, plan.base.reference) == ("", "envkit-arm64", "debian:12")
    native = plan_of(BuildFacts(engine_makes="amd64", emulates=True), target={"machine": "amd64"})
    assert "machine" not in decisions(native)
    assert (native.cache_prefix, native.base.image) == ("envkit", "debian:12")


def test_a_base_that_the_engine_has_for_that_machine_keeps_its_name() -> None:
    facts = BuildFacts(engine_makes="amd64", emulates=True, foreign_bases=("debian:12",))
    plan = plan_of(facts, target={"machine": "arm64"})
    assert (plan.base.image, plan.tools.image) == ("debian:12", "debian:12")


def test_what_is_resolved_counts_for_the_digest() -> None:
    auto = plan_of(BuildFacts(base_id="sha256:1"), torch="auto")
    assert auto.torch and auto.torch.version == "2.15.0"
    assert auto.digest != plan_of(BuildFacts(base_id="sha256:1"), torch="2.15.0").digest


def test_a_torch_of_the_base_s_is_left_where_it_is() -> None:
    plan = plan_of(
        BuildFacts(wheels=(WHEEL,)), base="mine:1", os="debian:12", torch="2.9.0a0", torch_from="base"
    )
    assert plan.python == PythonPlan(version="3.11", interpreter="python3", own_packages=True, packages=())
    assert plan.torch == TorchPlan(version="2.9.0a0", build="any", requirements=(), index=None, of_base=True)
    assert not plan.wheels and not plan.blocked and plan.needs.accelerator == "cpu"
    files = {file.name: file.content for file in plan.files}
    assert files["lists/overrides.txt"] == (
        b"torch ; python_version < '0'\ntorchvision ; python_version < '0'\n"
        b"torchaudio ; python_version < '0'\ntriton ; python_version < '0'\n"
    )
    assert decisions(plan)["torch"] == (
        "2.9.0a0",
        "the base brings it, in its own Python: no package of the spec replaces it",
    )
