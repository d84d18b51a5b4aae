"""What does not fit is told at its line with what would; what is resolved is never refused afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envkit import compat, paths
from envkit.accelerators.fit import Misfit
from envkit.errors import SpecError
from envkit.image.planned import Known, plan_spec
from envkit.plan.facts import BaseFacts, BuildFacts, Inputs
from envkit.plan.make import make
from envkit.plan.network import Network
from envkit.plan.resolve import resolve
from envkit.spec.load import load
from envkit.spec.model import Spec
from tests.renderings import write_spec

CANN = "ascend/cann:9.1.0-910b-ubuntu22.04-py3.11"
ASCEND = "accelerator: ascend\n"
CUDA = 'accelerator: cuda\nbase: ubuntu:24.04\npython: "3.12"\n'

# A spec with the place of the misfit marked, what is said there, and the rows that would do.
MISFITS = [
    (f'{CUDA}torch: «"9.0.0"', "torch 9.0.0 is not in envkit's table", "use torch 2.15.0 with CUDA 13.2, or"),
    (
        f'{ASCEND}base: {CANN}\ntorch: "2.8.0"\ntorch_npu: «"2.8.0"',
        "torch_npu 2.8.0 is made for CANN 8.3.rc1, not for 9.1.0",
        "nearest that fit: torch_npu 2.8.0 with CANN 8.3.rc1, or torch_npu 2.9.0.post6 with CANN 9.1.0, or "
        "torch_npu 2.8.0.post4 with CANN 9.0.0",
    ),
    (
        f'{ASCEND}base: {CANN}\ntorch: «"2.5.1"',
        "torch_npu 2.5.1.post1 is made for CANN 8.2.rc1, not for 9.1.0",
        "nearest that fit: torch_npu 2.5.1.post1 with CANN 8.2.rc1, or torch_npu 2.7.1.post8 with CANN 9.1.0"
        ", or torch_npu 2.5.1 with CANN 8.1.rc1",
    ),
    (
        f'{ASCEND}base: «{CANN}\ntorch: "2.12.0"\ntarget: {{chip: 310P3}}',
        "the base is made for chip 910b, the target is 310p",
        "ascend/cann:9.1.0-310p-ubuntu22.04-py3.10",
    ),
    (
        f'{ASCEND}base: «{CANN}\ntorch: "2.12.0"\ntarget: {{driver: 25.0.1}}',
        "CANN 9.1.0 needs driver 25.2 or newer, the target has 25.0.1",
        "ascend/cann:9.0.1-910b-ubuntu22.04-py3.11",
    ),
    (
        f"{ASCEND}torch: auto\ntarget: {{chip: «mi300}}",
        "envkit knows no Ascend chip 'mi300'",
        "use 910b (Atlas A2), a3 (Atlas A3), 310p",
    ),
    (
        f'{ASCEND}base: ascend/cann:8.5.0-910b-ubuntu22.04-py3.12\npython: «"3.12"\ntorch: "2.7.1"\n'
        'torch_npu: "2.7.1"',
        "torch_npu 2.7.1 has no build for Python 3.12",
        "use Python 3.9, 3.10, 3.11, or torch_npu 2.12.0, 2.11.0, 2.10.0.post4",
    ),
    (
        f'{ASCEND}base: {CANN}\ntorch: "2.9.0"\ntorch_npu: «"2.9.0.post7"',
        "there is no torch_npu 2.9.0.post7",
        "use torch_npu 2.9.0.post9, or 2.9.0.post8, or 2.9.0.post6",
    ),
    (
        f'{ASCEND}base: {CANN}\ntorch: «"2.7.0"',
        "there is no torch_npu 2.7.0",
        "use torch 2.7.1",
    ),
    (
        f'{ASCEND}python: «"3.13"\ntorch: auto\ntarget: {{chip: 910b}}',
        "no CANN image in envkit's table is for chip 910b with Python 3.13",
        "use Python 3.10, 3.11, 3.12",
    ),
    (
        f'{ASCEND}torch: auto\ntarget: {{chip: 310p, driver: «"23.0"}}\npython: "3.12"',
        "no CANN image in envkit's table is for chip 310p with Python 3.12 and driver 23.0",
        "install driver 25.0 or newer, or use Python 3.10, 3.11, 3.12",
    ),
    (
        f'{CUDA}torch: "2.6.0"\ncuda: «"12.8"',
        "torch 2.6.0 has no build for CUDA 12.8",
        "use 11.8, 12.4, 12.6",
    ),
    (f'{CUDA}torch: auto\ncuda: «"12.7"', "no torch has a build for CUDA 12.7", "use 11.8, 12.1, 12.4, 12.6"),
    (
        f'{CUDA}torch: "2.14.1"\ncuda: «"13.0"\ntarget: {{driver: 535.104.05}}',
        "CUDA 13.0 needs driver 580 or newer, the target has 535.104.05",
        "nearest that fit: torch 2.14.1 with CUDA 12.6",
    ),
    (
        f'{CUDA}torch: «"2.15.0"\ntarget: {{driver: "535"}}',
        "CUDA 13.0 needs driver 580 or newer, the target has 535",
        "nearest that fit: torch 2.14.1 with CUDA 12.6",
    ),
    (
        f'{CUDA}torch: auto\ntarget: {{driver: «"390.48"}}',
        "no torch in envkit's tables fits: CUDA 13.0 needs driver 580 or newer, the target has 390.48",
        "no build in envkit's tables fits this Python and target",
    ),
    (
        f'{CUDA}torch: «"2.15.0"\ntarget: {{chip: v100}}',
        "torch 2.15.0 with CUDA 13.2 is built for 7.5, 8.0, 8.6, 9.0, 10.0, 12.0: not for the target's 7.0",
        "nearest that fit: torch 2.14.1 with CUDA 12.6",
    ),
    (
        f'{CUDA}torch: "2.10.0"\ncuda: «"12.6"\ntarget: {{chip: RTX 5090}}',
        "torch 2.10.0 with CUDA 12.6 is built for 5.0, 6.0, 7.0, 7.5, 8.0, 8.6, 9.0: not for the "
        "target's 12.0",
        "nearest that fit: torch 2.10.0 with CUDA 12.8, or torch 2.10.0 with CUDA 13.0",
    ),
    (
        f'{CUDA}torch: "2.15.0"\ncuda: «"12.6"',
        "torch 2.15.0 has no build for CUDA 12.6",
        "use 13.0, 13.2, or torch 2.14.1 with CUDA 12.6",
    ),
    (
        'accelerator: ascend\nbase: auto\npython: "3.11"\ntorch: "2.10.0"\ntorch_npu: «"2.9.0"',
        "torch_npu 2.9.0 is made for torch 2.9.0, not for 2.10.0",
        "use torch 2.9.0, or torch_npu 2.10.0.post4",
    ),
    (
        f"{CUDA}torch: auto\ntarget: {{chip: «13.0}}",
        "no torch in envkit's tables fits: torch 2.15.0 with CUDA 13.2 is built for 7.5, 8.0, 8.6, 9.0, "
        "10.0, 12.0: not for the target's 13.0",
        "no build in envkit's tables fits this Python and target: change `python` or `target`",
    ),
    (
        f"{CUDA}torch: auto\ntarget: {{chip: «h1000}}",
        "envkit knows no NVIDIA card 'h1000'",
        "name its compute capability, as in `chip: 9.0`, or one of v100",
    ),
    (
        'accelerator: cuda\nbase: «nvidia/cuda:13.0.3-base-ubuntu24.04\npython: "3.12"\ntorch: "2.10.0"\n'
        "target: {driver: 550.54.14}",
        "CUDA 13.0 of the base needs driver 580 or newer, the target has 550.54.14",
        "use ubuntu:24.04",
    ),
    (
        'base: debian:13\npython: «"3.13"\ntorch: "2.5.1"',
        "torch 2.5.1 has no build for Python 3.13",
        "use Python 3.9 to 3.12, or torch 2.15, 2.14, 2.13",
    ),
    ('python: «"3.14"\ntorch: auto', "no base that envkit knows has Python 3.14", "use Python 3.10, 3.11"),
]


def known(facts: BuildFacts) -> Known:
    return Known(facts=facts, network=Network(), inputs=Inputs())


def refused(folder: Path, text: str, facts: BuildFacts) -> SpecError:
    with pytest.raises(SpecError) as error:
        plan_spec(load(write_spec(folder, text, {}), paths.presets()), known(facts), look_outside=False)
    return error.value


@pytest.mark.parametrize(("text", "what", "fix"), MISFITS)
def test_a_misfit_is_told_at_its_line_with_the_nearest_that_fit(
    tmp_path: Path, text: str, what: str, fix: str
) -> None:
    whole = f"name: x\n{text}\n"
    before = whole[: whole.index("«")]
    place = f"envkit.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "
    error = refused(tmp_path, whole.replace("«", ""), BuildFacts())
    assert f"{place}{what}" in " ".join(error.what.split())
    assert fix in error.fix and error.exit_code == 3


def test_a_glibc_older_than_the_wheels_is_told_at_the_base(tmp_path: Path) -> None:
    old = BaseFacts(
        reference="mine:1",
        image_id="sha256:1",
        distribution="ubuntu:18.04",
        glibc="2.27",
        system_python="3.11",
        system_python_candidate="3.11",
        package_manager="apt",
    )
    error = refused(tmp_path, 'name: x\nbase: mine:1\ntorch: "2.13.0"\n', BuildFacts(base=old))
    told = " ".join(error.what.split())
    assert "envkit.yaml:2:7: ubuntu:18.04 has glibc 2.27, the wheels of torch 2.13.0 need 2.28" in told
    assert error.fix == "use a base of debian:12 or openeuler/openeuler:24.03"
    made = make(
        Spec(name="x", base="mine:1", torch="2.13.0"),
        BuildFacts(base=replace(old, glibc="2.28")),
        Inputs(),
        "shipped",
    )
    assert made.torch


@pytest.mark.parametrize(
    ("keys", "warning"),
    [
        (
            {"base": CANN, "torch": "2.8.0"},
            "torch_npu 2.8.0.post4 is made for CANN 9.0.0; its makers call its line (26.0.0) compatible with "
            "9.1.0 (Ascend/pytorch docs/zh/release_notes.md @9e73e708)",
        ),
        (
            {"base": "ascend/cann:8.1.rc1-910b-ubuntu22.04-py3.11", "torch": "2.8.0", "torch_npu": "2.8.0"},
            "(hiascend.com, Pytorch 7.2.0 release notes, releasenote_0005)",
        ),
        ({"base": CANN, "torch": "2.13.0"}, "was not checked: no table names a CANN for it"),
        (
            {"base": "ascend/cann:9.2.0-910b-ubuntu22.04-py3.11", "torch": "2.12.0"},
            "was not checked: CANN 9.2.0 is newer than envkit's tables",
        ),
        ({"torch": "auto"}, "no target is named: the base is for chip 910b"),
        (
            {"base": CANN, "torch": "2.12.0", "target": {"driver": "25.5.1"}},
            "driver 25.5.1 is older than 26.0.rc1, which CANN 9.1.0 came with (CANN 9.1.0 release notes",
        ),
        (
            {"accelerator": "cuda", "torch": "2.10.0", "cuda": "12.8", "target": {"driver": "535.104.05"}},
            "driver 535.104.05 is older than 570.26, with which CUDA 12.8 came: what is compiled at run "
            "time (extensions, PTX) may fail "
            "(docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility)",
        ),
    ],
)
def test_what_is_only_loosely_right_is_a_warning_that_names_its_source(
    keys: dict[str, Any], warning: str
) -> None:
    spec = Spec.model_validate({"name": "x", "accelerator": "ascend", **keys})
    assert any(warning in told for told in resolve(spec, BuildFacts()).warnings)


def test_what_its_makers_pair_has_no_warning() -> None:
    for row in compat.table("torch_npu")["rows"]:
        base = f"ascend/cann:{row['cann']}-910b-ubuntu22.04-py3.10"
        keys = {"accelerator": "ascend", "base": base, "python": "3.10"}
        spec = Spec.model_validate(
            {"name": "x", **keys, "torch": row["torch"], "torch_npu": row["torch_npu"]}
        )
        assert resolve(spec, BuildFacts()).warnings == ()


CHIPS = {
    "cuda": [None, *compat.table("cuda")["chips"], "rtx 4090", "h100"],
    "ascend": [None, *compat.table("cann")["chips"], "910B3"],
    "cpu": [None],
}
DRIVERS = {
    "cuda": [None, "450.80.02", "470.57.02", "535.104.05", "570.86.15", "580.65.06", "595.45.04"],
    "ascend": [None, "24.1.rc1", "25.0.1", "25.5.2", "26.1.0"],
    "cpu": [None],
}
VERSIONS = [None, "auto", *compat.table("wheels")["torch"]]


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a spec that leaves open as much as it likes."""
    accelerator = draw(st.sampled_from(list(CHIPS)))
    target = {
        "chip": draw(st.sampled_from(CHIPS[accelerator])),
        "driver": draw(st.sampled_from(DRIVERS[accelerator])),
        "machine": draw(st.sampled_from([None, "amd64", "arm64"])),
    }
    keys = {
        "name": "x",
        "accelerator": accelerator,
        "python": draw(st.sampled_from(["3.10", "3.11", "3.12", "3.13"])),
        "torch": draw(st.sampled_from(VERSIONS)),
        "target": target,
    }
    if accelerator == "cuda" and keys["torch"]:
        keys["cuda"] = draw(st.sampled_from([None, None, *compat.table("cuda")["lines"]]))
    return keys


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(wishes())
@pytest.mark.timeout(120)
def test_what_is_resolved_is_exact_and_is_never_refused_afterwards(keys: dict[str, Any]) -> None:
    try:
        plan = make(Spec.model_validate(keys), BuildFacts(), Inputs(), "shipped")
    except Misfit as misfit:
        assert misfit.what and misfit.fix and misfit.key.partition(".")[0] in Spec.model_fields
        return
    exact = {**keys, "base": plan.base.reference}
    if plan.torch:
        exact |= {"torch": plan.torch.version}
        exact |= {"torch_npu": plan.torch.npu} if plan.torch.npu else {}
        build = plan.torch.build.removeprefix("cu")
        exact |= {"cuda": f"{build[:2]}.{build[2:]}"} if build.isdigit() else {}
    again = make(Spec.model_validate(exact), BuildFacts(), Inputs(), "shipped")
    assert (again.base, again.torch and again.torch.requirements, again.needs) == (
        plan.base,
        plan.torch and plan.torch.requirements,
        plan.needs,
    )
