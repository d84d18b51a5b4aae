"""What each accelerator takes for a wish, exactly, and what it says when nothing fits."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from envkit.accelerators import ACCELERATORS, cuda_rows, npu_rows
from envkit.accelerators.base import Shape
from envkit.accelerators.base_names import read_name
from envkit.accelerators.fit import Misfit, Resolved, Target, TorchChoice, Wish
from envkit.plan.bases import know

WISH = Wish(base="debian:12", torch="2.10.0", python="3.11")
CANN_91 = "ascend/cann:9.1.0-910b-ubuntu22.04-py3.11"


def resolve(accelerator: str, **changes: Any) -> Resolved:
    return ACCELERATORS[accelerator].resolve(dataclasses.replace(WISH, **changes))


def choose(accelerator: str, **changes: Any) -> TorchChoice:
    choice = resolve(accelerator, **changes).torch
    assert choice
    return choice


def test_cpu_takes_the_build_without_cuda() -> None:
    assert choose("cpu") == TorchChoice(
        version="2.10.0",
        build="cpu",
        requirements=("torch==2.10.0+cpu",),
        reason="accelerator is cpu: the build without CUDA",
        glibc="2.28",
    )


def test_cuda_takes_the_first_line_of_its_makers() -> None:
    assert choose("cuda") == TorchChoice(
        version="2.10.0",
        build="cu128",
        requirements=("torch==2.10.0+cu128",),
        reason="the first CUDA line of torch 2.10.0",
        glibc="2.28",
    )


def test_cuda_takes_the_line_that_is_asked_for() -> None:
    choice = choose("cuda", cuda="13.0")
    assert (choice.build, choice.reason) == ("cu130", "the spec asks for it")


def test_a_line_of_a_torch_that_no_table_knows_is_taken_at_its_word() -> None:
    resolved = resolve("cuda", torch="9.0.0", cuda="19.1")
    assert resolved.torch and (resolved.torch.build, resolved.torch.glibc) == ("cu191", "")
    assert "torch 9.0.0 was not on the package index on " in resolved.warnings[0]


def test_ascend_takes_the_cpu_build_and_the_torch_npu_that_goes_with_the_base() -> None:
    assert choose("ascend", base=CANN_91) == TorchChoice(
        version="2.10.0",
        build="cpu",
        requirements=("torch==2.10.0+cpu", "torch-npu==2.10.0.post4", "numpy", "pyyaml"),
        reason="accelerator is ascend: torch's CPU build, and torch_npu of the same version; "
        "2.10.0.post4 goes with CANN 9.1.0",
        npu="2.10.0.post4",
        glibc="2.28",
    )


@pytest.mark.parametrize(
    ("accelerator", "changes", "taken"),
    [
        ("cpu", {"torch": "auto"}, ("debian:12", "2.15.0", "cpu")),
        ("cpu", {"base": "auto", "python": "3.12"}, ("ubuntu:24.04", "2.10.0", "cpu")),
        # A line that the driver was made for comes before the makers' first.
        ("cuda", {"target": Target(driver="565.57.01")}, ("debian:12", "2.10.0", "cu126")),
        # V100: its last torch, and its last line.
        ("cuda", {"torch": "auto", "target": Target(chip="v100")}, ("debian:12", "2.14.1", "cu126")),
        ("cuda", {"torch": "auto", "target": Target(chip="b300")}, ("debian:12", "2.15.0", "cu132")),
        ("cuda", {"torch": "auto", "target": Target(driver="535.104")}, ("debian:12", "2.14.1", "cu126")),
        (
            "cuda",
            {"torch": "auto", "target": Target(chip="RTX 5090", driver="570.86")},
            ("debian:12", "2.13.0", "cu129"),
        ),
        ("cuda", {"target": Target(chip="thor", machine="arm64")}, Misfit),
        # What CUDA 12.8 has code for on arm64 no table says; of CUDA 13.0 it is known.
        ("cuda", {"target": Target(chip="11.0", machine="arm64")}, ("debian:12", "2.10.0", "cu130")),
        (
            "cuda",
            {"cuda": "13.0", "target": Target(chip="gb200", machine="arm64")},
            ("debian:12", "2.10.0", "cu130"),
        ),
        (
            "cuda",
            {"base": "auto", "python": "3.12"},
            ("nvidia/cuda:12.8.1-base-ubuntu24.04", "2.10.0", "cu128"),
        ),
        ("cuda", {"base": "auto", "python": "3.13"}, ("debian:13", "2.10.0", "cu128")),
        # NVIDIA's image would refuse a driver older than its CUDA's.
        (
            "cuda",
            {"base": "auto", "python": "3.12", "target": Target(driver="535")},
            ("ubuntu:24.04", "2.10.0", "cu126"),
        ),
        ("ascend", {"torch": "auto", "base": CANN_91}, (CANN_91, "2.12.0", "cpu")),
    ],
)
def test_what_is_left_open_is_decided_by_the_target(
    accelerator: str, changes: dict[str, Any], taken: Any
) -> None:
    if taken is Misfit:
        with pytest.raises(Misfit):
            resolve(accelerator, **changes)
        return
    resolved = resolve(accelerator, **changes)
    assert resolved.torch
    assert (resolved.base, resolved.torch.version, resolved.torch.build) == taken


@pytest.mark.parametrize(
    ("changes", "cann", "chip", "npu"),
    [
        ({"torch": "auto"}, "9.1.0", "910b", "2.12.0"),
        ({"torch": "auto", "python": "3.10", "target": Target(chip="310P3")}, "9.1.0", "310p", "2.12.0"),
        # No image of CANN 9.1.0 for it has Python 3.11; 9.0.1 has, and its own torch_npu.
        ({"torch": "auto", "target": Target(chip="310p")}, "9.0.1", "310p", "2.10.0.post2"),
        ({"torch": "auto", "target": Target(chip="Ascend 910A")}, "8.5.0", "910", "2.9.0"),
        ({"torch": "2.9.0"}, "9.1.0", "910b", "2.9.0.post6"),
        ({"torch": "2.9.0", "torch_npu": "2.9.0"}, "8.5.2", "910b", "2.9.0"),
        ({"torch": "auto", "target": Target(driver="25.0.1")}, "9.0.1", "910b", "2.10.0.post2"),
        ({"torch": "2.6.0"}, "8.5.2", "910b", "2.6.0.post5"),
    ],
)
def test_ascend_takes_image_and_torch_npu_together(
    changes: dict[str, Any], cann: str, chip: str, npu: str
) -> None:
    resolved = resolve("ascend", base="auto", **changes)
    name = read_name(resolved.base)
    assert name and (name.cann, name.chip) == (cann, chip)
    assert resolved.torch and resolved.torch.npu == npu


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_the_base_that_auto_means_is_one_that_is_known(accelerator: str) -> None:
    assert ACCELERATORS[accelerator].name == accelerator
    assert know(resolve(accelerator, base="auto", torch=None).base, None, None) is not None
    assert know(resolve(accelerator, base="auto", torch="auto").base, None, None) is not None


@pytest.mark.parametrize(
    ("accelerator", "chip", "runs"),
    [
        ("cuda", "8.9", True),
        ("cuda", "8.7", False),
        ("cuda", "10.3", True),
        ("cuda", "12.1", True),
        ("cuda", "7.0", False),
        ("cuda", "13.0", False),  # torch's wheels carry no PTX
        ("ascend", "910b", True),
        ("ascend", "310p", False),
        ("cpu", "anything", True),
    ],
)
def test_an_image_runs_on_the_chips_that_it_was_built_for(accelerator: str, chip: str, runs: bool) -> None:
    base = CANN_91 if accelerator == "ascend" else "debian:12"
    needs = resolve(accelerator, base=base, torch="auto").needs
    assert ACCELERATORS[accelerator].runs_on(needs, chip) is runs


def test_what_was_looked_at_says_why_it_was_left_and_where_that_stands() -> None:
    looked = resolve("cuda", torch="2.14.1", target=Target(chip="v100")).considered
    assert [(row.value, row.taken, row.why) for row in looked] == [
        (
            f"torch 2.14.1 with CUDA {line}",
            False,
            "is built for 7.5, 8.0, 8.6, 9.0, 10.0, 12.0: not for the target's 7.0",
        )
        for line in ("13.0", "13.2")
    ] + [
        (
            "torch 2.14.1 with CUDA 12.6",
            True,
            "has Python 3.11, needs driver 525.60.13 or newer, has code for 7.0",
        )
    ]
    assert all(row.source.startswith("pytorch RELEASE.md") for row in looked)


@pytest.mark.parametrize(
    ("accelerator", "word", "chip"),
    [
        # As nvidia-smi and npu-smi, and so `envkit devices`, write them.
        ("cuda", "NVIDIA H100 80GB HBM3", "9.0"),
        ("cuda", "NVIDIA A100-SXM4-80GB", "8.0"),
        ("cuda", "Tesla V100-SXM2-16GB", "7.0"),
        ("cuda", "NVIDIA GeForce RTX 4090", "8.9"),
        ("cuda", "NVIDIA L40", "8.9"),
        ("cuda", "NVIDIA RTX PRO 6000 Blackwell Server Edition", "12.0"),
        ("ascend", "910B3", "910b"),
        ("ascend", "Ascend910_9382", "a3"),
        ("ascend", "310P3", "310p"),
    ],
)
def test_a_card_is_known_by_the_name_that_its_tool_prints(accelerator: str, word: str, chip: str) -> None:
    rows = {"cuda": cuda_rows.chip_of, "ascend": npu_rows.chip_of}
    assert rows[accelerator](word) == chip


def test_a_name_that_two_generations_have_is_asked_back() -> None:
    with pytest.raises(Misfit) as error:
        npu_rows.chip_of("Ascend910")
    assert error.value.fix == "say which: `chip: a3`, or `chip: 910`"


def test_other_chips_images_are_one_row() -> None:
    looked = resolve(
        "ascend", base="auto", torch="auto", python="3.10", target=Target(chip="310p")
    ).considered
    assert [(row.decision, row.value.rpartition(":")[2], row.taken) for row in looked] == [
        ("base", "5 images for other chips", False),
        ("base", "9.1.0-310p-ubuntu22.04-py3.10", True),
        ("torch_npu", "9.1.0-310p-ubuntu22.04-py3.10", True),
    ]


def test_a_run_of_one_process_on_cpu_or_gpu_has_nothing_of_ours() -> None:
    assert [ACCELERATORS[name].run_environment(Shape()) for name in ("cpu", "cuda")] == [{}, {}]


def test_a_run_on_npus_is_carried_over_and_ranks_have_time_to_meet() -> None:
    carried = {"ENVKIT_TRANSFER": "1", "TORCH_NPU_DEVICE_CAPABILITY": "8.0"}
    ascend = ACCELERATORS["ascend"]
    assert ascend.run_environment(Shape()) == carried
    assert ascend.run_environment(Shape(processes=2)) == {**carried, "HCCL_CONNECT_TIMEOUT": "1200"}


@pytest.mark.parametrize(
    ("name", "library"),
    [("cpu", {}), ("cuda", {"NCCL_SOCKET_IFNAME": "=eth1"}), ("ascend", {"HCCL_SOCKET_IFNAME": "=eth1"})],
)
def test_ranks_of_several_nodes_know_the_interface_between_them(name: str, library: dict[str, str]) -> None:
    given = ACCELERATORS[name].run_environment(Shape(processes=2, link="eth1"))
    assert given.items() >= {**library, "GLOO_SOCKET_IFNAME": "eth1"}.items()
