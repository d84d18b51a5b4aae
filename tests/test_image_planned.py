"""From a spec and this machine to a plan: what is asked of whom, and where a misfit is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envkit import paths
from envkit.engines.fake import FACTS, FakeEngine
from envkit.errors import SpecError
from envkit.image import planned
from envkit.image.planned import Known, decide, plan_spec, prepare
from envkit.plan.facts import BuildFacts, Inputs
from envkit.plan.network import Network
from envkit.spec.load import LoadedSpec, load
from tests.renderings import write_spec
from tests.scripted_host import ScriptedHost

WHEEL = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"


def spec(folder: Path, text: str) -> LoadedSpec:
    return load(write_spec(folder, text, {}), paths.presets())


def known(facts: BuildFacts | None = None, network: Network | None = None) -> Known:
    return Known(facts=facts or BuildFacts(), network=network or Network(), inputs=Inputs())


# A spec with the place of the misfit marked, and what is said there.
MISFITS = [
    ('python: «"3.12"', "the base has Python 3.11, not 3.12"),
    ('base: debian:13\npython: «"3.13"\ntorch: "2.5.1"', "torch 2.5.1 has no build for Python 3.13"),
    ('accelerator: cuda\ntorch: "2.10.0"\ncuda: «"11.8"', "torch 2.10.0 has no build for CUDA 11.8"),
    ('accelerator: cuda\ntorch: «"9.0.0"', "torch 9.0.0 is not in envkit's table of CUDA builds"),
    (
        'accelerator: ascend\ntorch: "2.12.0"\ntorch_npu: «"2.11.0"',
        "torch_npu 2.11.0 is made for torch 2.11.0, not for 2.12.0",
    ),
    ("base: «mine:1", "envkit cannot tell which distribution mine:1 is"),
    ("os: «fedora:40", "envkit cannot tell which distribution debian:12 is"),
    ("ide: {jupyterlab: «false}", "a truth value cannot stand here"),
    ('ide: {code_server: {version: "4.1.2", source: «release}}', "no sha256 is known for code-server 4.1.2"),
]


@pytest.mark.parametrize(("text", "what"), MISFITS)
def test_a_misfit_is_told_at_its_line(tmp_path: Path, text: str, what: str) -> None:
    whole = f"name: x\n{'' if 'base:' in text else 'base: debian:12'}\n{text}\n"
    before = whole[: whole.index("«")]
    place = f"envkit.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "
    with pytest.raises(SpecError) as error:
        plan_spec(spec(tmp_path, whole.replace("«", "")), known(), look_outside=False)
    assert f"{place}{what}" in " ".join(error.value.what.split())
    assert error.value.fix and error.value.exit_code == 3


def test_what_is_decided_before_rendering_is_the_plan_that_is_built(tmp_path: Path) -> None:
    loaded = spec(tmp_path, "name: x\nbase: debian:12\ntorch: 2.13.0\n")
    whole = plan_spec(loaded, known(), look_outside=False)
    assert decide(loaded, known()) == whole.plan
    assert whole.files


def test_a_misfit_of_a_default_is_told_at_the_spec_itself(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as error:
        plan_spec(spec(tmp_path, "name: x\nbase: debian:13\n"), known(), look_outside=False)
    assert "`python` is not written here; this is its default" in " ".join(error.value.what.split())


def test_places_are_asked_only_when_that_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    def reach(urls: dict[str, str], _network: Network) -> dict[str, bool]:
        asked.append(urls)
        return dict.fromkeys(urls, False)

    monkeypatch.setattr(planned, "reach", reach)
    loaded = spec(tmp_path, 'name: x\nbase: debian:12\ntorch: "2.13.0"\n')
    assert plan_spec(loaded, known(), look_outside=False).plan.blocked == "" and asked == []
    found = plan_spec(loaded, known(), look_outside=True)
    assert found.plan.blocked and found.facts.reachable == {"release": False, "torch": False}
    assert [sorted(urls) for urls in asked] == [["release", "torch"]]


def test_what_can_be_reached_does_not_change_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = spec(tmp_path, 'name: x\nbase: debian:12\ntorch: "2.13.0"\n')
    digests = {plan_spec(loaded, known(), look_outside=False).plan.digest}
    for answer in (True, False):
        monkeypatch.setattr(planned, "reach", lambda urls, _, answer=answer: dict.fromkeys(urls, answer))
        digests.add(plan_spec(loaded, known(), look_outside=True).plan.digest)
    digests.add(plan_spec(loaded, known(BuildFacts(wheels=(WHEEL,))), look_outside=False).plan.digest)
    assert len(digests) == 1


def test_this_machine_s_wheels_join_the_context_when_torch_comes_from_them(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / WHEEL).write_bytes(b"torch")
    host = ScriptedHost(files={"/etc/pip.conf": f"[global]\nfind-links = {tmp_path}/wheels\n".encode()})
    loaded = spec(tmp_path, 'name: x\nbase: debian:12\ntorch: "2.13.0"\n')
    found = plan_spec(loaded, prepare(loaded, None, host, {}), look_outside=False)
    assert [file.content for file in found.files if file.name == f"wheels/{WHEEL}"] == [
        tmp_path / "wheels" / WHEEL
    ]
    without = spec(tmp_path, "name: x\nbase: debian:12\n")
    found = plan_spec(without, prepare(without, None, host, {}), look_outside=False)
    assert not [file.name for file in found.files if file.name.startswith("wheels/")]


def test_a_mirror_of_another_distribution_is_left_out(tmp_path: Path) -> None:
    network = Network(apt_sources="deb http://m/debian bookworm main", distribution="debian:12")
    same = spec(tmp_path, "name: x\nbase: debian:12\n")
    assert plan_spec(same, known(network=network), look_outside=False).network == network
    other = spec(tmp_path, 'name: x\nbase: ubuntu:24.04\npython: "3.12"\n')
    assert plan_spec(other, known(network=network), look_outside=False).network.apt_sources == ""


def test_the_engine_tells_its_architecture_and_its_builder(tmp_path: Path) -> None:
    loaded = spec(tmp_path, "name: x\nbase: debian:12\n")
    engine = FakeEngine(replace(FACTS, architecture="arm64"))
    engine.builder.client = None
    assert prepare(loaded, engine, ScriptedHost(), {}).facts == BuildFacts(
        architecture="arm64", engine_makes="arm64", builder="classic"
    )


def test_without_an_engine_the_usual_is_taken(tmp_path: Path) -> None:
    loaded = spec(tmp_path, "name: x\nbase: debian:12\n")
    assert prepare(loaded, None, ScriptedHost(), {}).facts == BuildFacts()
