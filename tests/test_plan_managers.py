"""apt's packages on a base with dnf, dnf's on one with apt, and a base with neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.accelerators.fit import Misfit
from envkit.errors import SpecError
from envkit.plan.bases import BaseKnowledge
from envkit.plan.facts import BuildFacts
from envkit.plan.managers import refuse_others
from envkit.spec.model import Spec
from tests.renderings import planned, write_spec

OPENEULER = "openeuler/openeuler:24.03"


ASCEND = "accelerator: ascend\ntorch: auto\n"


def refusal(tmp_path: Path, text: str) -> SpecError:
    files = {"l.txt": "git\n"}
    with pytest.raises(SpecError) as caught:
        planned(write_spec(tmp_path, f"name: x\n{text}\n", files), BuildFacts())
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "what", "fix"),
    [
        (
            f"base: {OPENEULER}\napt: [git]",
            "3:6",
            "openeuler:24.03 installs with dnf, not with apt",
            "name them under `dnf:`, where g++ is called gcc-c++",
        ),
        (
            f"base: {OPENEULER}\napt: {{files: [l.txt]}}",
            "3:6",
            "openeuler:24.03 installs with dnf, not with apt",
            "name them under `dnf:`, where g++ is called gcc-c++",
        ),
        (
            "base: debian:12\ndnf: git",
            "3:6",
            "debian:12 installs with apt, not with dnf",
            "name them under `apt:`, where gcc-c++ is called g++",
        ),
        (
            "base: auto\naccelerator: ascend\ntorch: auto\ndnf: [git]",
            "5:6",
            "ubuntu:22.04 installs with apt, not with dnf",
            "name them under `apt:`, where gcc-c++ is called g++, or add `os: openeuler:24.03`",
        ),
        (
            "base: openeuler/openeuler:22.03-lts-sp4\npython: '3.9'",
            "2:7",
            "JupyterLab 4.6.6 needs Python 3.10 or newer of the distribution, and openeuler:22.03 has 3.9",
            "use a base of debian:12, debian:13, ubuntu:22.04, ubuntu:24.04, openeuler:24.03",
        ),
    ],
)
def test_packages_of_the_other_manager_are_told_at_their_line(
    tmp_path: Path, text: str, place: str, what: str, fix: str
) -> None:
    error = refusal(tmp_path, text)
    assert f"envkit.yaml:{place}:" in error.what and what in " ".join(error.what.split())
    assert error.fix == fix


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        (
            f'{ASCEND}os: openeuler:24.03\npython: "3.10"\ntarget: {{chip: 910b}}',
            "no CANN image in envkit's table of openeuler:24.03 is for chip 910b with Python 3.10",
            "use Python 3.11, 3.12",
        ),
        (
            f"{ASCEND}os: ubuntu:24.04\ntarget: {{chip: 310p}}",
            "no CANN image in envkit's table of ubuntu:24.04 is for chip 310p",
            "use ubuntu:22.04, openeuler:24.03",
        ),
        (
            f"{ASCEND}os: openeuler:22.03\ntarget: {{chip: 910b}}",
            "JupyterLab 4.6.6 needs Python 3.10 or newer of the distribution, and openeuler:22.03 has 3.9",
            "use a base of debian:12",
        ),
        ("os: fedora:40\ntorch: auto", "envkit knows no image of fedora:40", "use debian:12, debian:13"),
        (
            'os: openeuler:24.03\npython: "3.12"',
            "no base of openeuler:24.03 has Python 3.12",
            "use Python 3.11, or name a base of your own and its `os`",
        ),
    ],
)
def test_a_system_that_has_no_base_is_told(tmp_path: Path, text: str, what: str, fix: str) -> None:
    error = refusal(tmp_path, text)
    assert what in " ".join(error.what.split())
    assert fix in error.fix


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("os: openeuler:24.03", "openeuler/openeuler:24.03"),
        (f"{ASCEND}os: openeuler:24.03\npython: '3.12'", "ascend/cann:9.1.0-910b-openeuler24.03-py3.12"),
        (f"{ASCEND}os: openeuler:24.03\npython: '3.11'", "ascend/cann:8.5.0-910b-openeuler24.03-py3.11"),
        (
            f"{ASCEND}os: openeuler:24.03\npython: '3.12'\ntarget: {{chip: 310p}}",
            "ascend/cann:9.1.0-310p-openeuler24.03-py3.12",
        ),
        (f"{ASCEND}python: '3.12'", "ascend/cann:9.1.0-910b-ubuntu22.04-py3.12"),
        (f"{ASCEND}python: '3.11'\ntarget: {{chip: a3}}", "ascend/cann:8.5.0-a3-ubuntu22.04-py3.11"),
    ],
)
def test_a_system_s_name_finds_the_base(tmp_path: Path, text: str, base: str) -> None:
    plan = planned(write_spec(tmp_path, f"name: x\n{text}\n", {}), BuildFacts()).plan
    assert plan.base.reference.endswith(base)
    assert plan.base.manager == ("dnf" if "openeuler" in base else "apt")


def test_a_base_with_neither_is_refused() -> None:
    base = BaseKnowledge(
        distribution="alpine:3", system_python="3.12", own_python=None, reason="", manager=None
    )
    with pytest.raises(Misfit) as caught:
        refuse_others(Spec.model_validate({"name": "x", "base": "alpine:3"}), base)
    assert caught.value == Misfit(
        key="base",
        what="alpine:3 installs packages neither with apt nor with dnf",
        fix="use a base of Debian, Ubuntu or openEuler",
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("git less", "'git less' is not one package"),
        ("git=2.43", "'git=2.43' is not allowed here"),
        ("-y", "'-y' is not allowed here"),
        ("@base", "'@base' is not allowed here"),
        ("/tmp/x.rpm", "'/tmp/x.rpm' is not allowed here"),
        ("py*", "'py*' is not allowed here"),
    ],
)
def test_a_line_of_dnf_s_that_is_not_one_package_is_refused(tmp_path: Path, line: str, said: str) -> None:
    spec = write_spec(tmp_path, f"name: x\nbase: {OPENEULER}\ndnf: {{files: [l.txt]}}\n", {"l.txt": line})
    with pytest.raises(SpecError) as caught:
        planned(spec, BuildFacts())
    assert f"l.txt:1: {said}" in " ".join(caught.value.what.split())
    assert caught.value.fix == "write one package a line: `name` or `name-version`"


@pytest.mark.parametrize(
    "name", ["git", "gcc-c++", "python3.11", "vim-enhanced-2:9.0.2092-1.oe2403", "a-1~rc1^2"]
)
def test_names_and_versions_of_rpm_s_are_taken(name: str) -> None:
    assert Spec.model_validate({"name": "x", "base": OPENEULER, "dnf": name}).dnf.packages == (name,)
