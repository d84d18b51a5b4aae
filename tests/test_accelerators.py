"""Which torch each accelerator takes, and what it says when there is none."""

from __future__ import annotations

import dataclasses

import pytest

from envkit import compat
from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Misfit, TorchChoice, TorchWish, fits_python
from envkit.plan.bases import know

WISH = TorchWish(torch="2.10.0", torch_npu=None, cuda=None, python="3.11")


def choose(accelerator: str, **changes: str) -> TorchChoice:
    return ACCELERATORS[accelerator].choose_torch(dataclasses.replace(WISH, **changes))


def test_cpu_takes_the_build_without_cuda() -> None:
    assert choose("cpu") == TorchChoice(
        build="cpu",
        requirements=("torch==2.10.0+cpu",),
        reason="accelerator is cpu: the build without CUDA",
    )


def test_cuda_takes_the_first_line_of_its_makers() -> None:
    assert choose("cuda") == TorchChoice(
        build="cu128", requirements=("torch==2.10.0+cu128",), reason="the first CUDA line of torch 2.10.0"
    )


def test_cuda_takes_the_line_that_is_asked_for() -> None:
    assert choose("cuda", cuda="13.0") == TorchChoice(
        build="cu130", requirements=("torch==2.10.0+cu130",), reason="the spec asks for it"
    )


def test_a_line_of_a_torch_that_no_table_knows_is_taken_at_its_word() -> None:
    assert choose("cuda", torch="9.0.0", cuda="19.1").build == "cu191"


def test_ascend_takes_the_cpu_build_and_torch_npu_of_the_same_version() -> None:
    assert choose("ascend") == TorchChoice(
        build="cpu",
        requirements=("torch==2.10.0+cpu", "torch-npu==2.10.0", "numpy", "pyyaml"),
        reason="accelerator is ascend: torch's CPU build, and torch_npu of the same version",
        npu="2.10.0",
    )


def test_a_later_torch_npu_for_the_same_torch_is_taken() -> None:
    assert choose("ascend", torch_npu="2.10.0.post2").npu == "2.10.0.post2"


@pytest.mark.parametrize(
    ("accelerator", "changes", "misfit"),
    [
        (
            "cuda",
            {"cuda": "11.8"},
            Misfit(key="cuda", what="torch 2.10.0 has no build for CUDA 11.8", fix="use 12.6, 12.8, 13.0"),
        ),
        (
            "cuda",
            {"torch": "9.0.0"},
            Misfit(
                key="torch",
                what="torch 9.0.0 is not in envkit's table of CUDA builds",
                fix='name the CUDA line, as in `cuda: "12.8"`',
            ),
        ),
        (
            "cpu",
            {"torch": "2.5.1", "python": "3.13"},
            Misfit(
                key="python",
                what="torch 2.5.1 has no build for Python 3.13",
                fix="use Python 3.9 to 3.12, or torch 2.15, 2.14, 2.13",
            ),
        ),
        (
            "ascend",
            {"torch_npu": "2.9.0.post1"},
            Misfit(
                key="torch_npu",
                what="torch_npu 2.9.0.post1 is made for torch 2.9.0, not for 2.10.0",
                fix="use torch 2.9.0, or a torch_npu 2.10.0",
            ),
        ),
    ],
)
def test_what_does_not_exist_is_said_with_what_would_do(
    accelerator: str, changes: dict[str, str], misfit: Misfit
) -> None:
    with pytest.raises(Misfit) as error:
        choose(accelerator, **changes)
    assert error.value == misfit


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_every_row_of_torch_can_be_chosen_at_both_ends_of_its_pythons(accelerator: str) -> None:
    for minor, row in compat.table("torch")["rows"].items():
        for python in row["python"]:
            assert choose(accelerator, torch=f"{minor}.0", python=python).requirements


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_the_base_that_auto_means_is_one_that_is_known(accelerator: str) -> None:
    assert ACCELERATORS[accelerator].name == accelerator
    assert know(ACCELERATORS[accelerator].default_base(), None, None) is not None


@pytest.mark.parametrize(
    ("python", "fits"), [("3.8", False), ("3.9", True), ("3.10", True), ("3.13", True), ("3.14", False)]
)
def test_pythons_are_compared_as_numbers(python: str, fits: bool) -> None:
    assert fits_python(python, ("3.9", "3.13")) is fits
