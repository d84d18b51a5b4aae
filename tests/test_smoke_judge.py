"""Every verdict, from raw numbers: what passes, what fails and why, what is only told."""

from __future__ import annotations

from typing import Any

import pytest

from envkit.smoke import peaks
from envkit.smoke.checks import CHECKS
from envkit.smoke.judge import Expected, judge
from tests.smoke_facts import CARD, SOUND

H100 = Expected(kind="cuda", count=2, names=(CARD, CARD), name=CARD, peak=peaks.of(CARD))


def verdict(check: str, expected: Expected = H100, **changed: Any) -> tuple[str, str]:
    result = judge(check, {**SOUND[check], **changed}, 0.1, expected)
    return result.outcome, result.reason


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_every_check_passes_a_sound_card(check: str) -> None:
    assert verdict(check) == ("passed", "")


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_what_is_missing_is_skipped_and_what_broke_is_failed(check: str) -> None:
    skipped = judge(check, {"missing": "no Triton"}, 0, H100)
    failed = judge(check, {"error": "RuntimeError: x", "words": "a", "printed": "b"}, 0, H100)
    assert (skipped.outcome, skipped.reason) == ("skipped", "no Triton")
    assert (failed.outcome, failed.reason, failed.words) == ("failed", "RuntimeError: x", "a\nb")


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_numbers_that_are_not_there_never_pass(check: str) -> None:
    assert judge(check, {}, 0, H100).outcome == "failed"


@pytest.mark.parametrize(
    ("check", "changed", "reason"),
    [
        ("device", {"cards": []}, "torch sees no cuda: it counts 2"),
        ("device", {"cards": [], "ids": [4], "count": 4}, "torch sees no cuda 4: it counts 4"),
        ("device", {"cards": SOUND["device"]["cards"][:1]}, "torch sees 1, 2 were given"),
        ("matmul float32", {"off": 2e-5}, "2e-05 off the CPU's float64, at most 1e-05 is right"),
        ("matmul float32", {"off": "nan"}, "nan off the CPU's float64, at most 1e-05 is right"),
        ("matmul bfloat16", {"dtype": "float32"}, "its result is float32"),
        ("matmul float16", {"where": "cpu"}, "its result is on cpu, not on cuda"),
        ("conv float32", {"off": 0.1}, "0.1 off the CPU's float64, at most 0.001 is right"),
        ("attention float16", {"off": 0.1}, "0.1 off the CPU's float64, at most 0.005 is right"),
        ("autocast", {"dtype": "float32"}, "its result is float32"),
        ("autocast", {"gradient": "bfloat16"}, "the weights' gradient is bfloat16, not float32"),
        ("matmul speed", {"tflops": 390.0}, "60% is good, 40% the least"),
        ("memory speed", {"gbytes_per_s": 1600.0}, "70% is good, 50% the least"),
        ("copy", {"equal": False}, "what came back is not what was sent"),
        ("copy pinned", {"equal": False}, "what came back is not what was sent"),
        ("allocator", {"right": False}, "what was written into it does not stand there"),
        ("allocator", {"left_mib": 65}, "65 MiB did not come back"),
        ("allocator", {"refused": ""}, "a pebibyte was not refused"),
        ("allocator", {"usable": False}, "the device was no longer usable after an allocation that failed"),
        ("training", {"losses": [1.4, 0.8]}, "the loss does not fall: 1.4 to 0.8 in 60 steps"),
        ("training", {"finite": False, "losses": [1.4, "nan"]}, "a loss is not finite"),
        ("training", {"same": False}, "twice from the same seed, two different trainings"),
        ("loader", {"wrong": [3]}, "batches 3 are wrong"),
        ("checkpoint", {"different": ["cpu"]}, "what was loaded to cpu is not what was saved"),
        ("compile", {"off": "nan"}, "nan off what the plain function computes, at most 0.0001 is right"),
        ("all-reduce", {"lost": ["rank 1 did not end"]}, "rank 1 did not end"),
        ("all-reduce", {"ranks": []}, "0 of 2 ranks told what they found"),
        ("soak", {"different": 2}, "2 times the same product had other bits"),
    ],
)
def test_what_is_wrong_fails_and_says_why(check: str, changed: dict[str, Any], reason: str) -> None:
    assert verdict(check, **changed) == ("failed", reason)


@pytest.mark.parametrize(
    ("check", "changed", "reason"),
    [
        ("matmul speed", {"tflops": 500.0}, "60% is good, 40% the least"),
        ("memory speed", {"gbytes_per_s": 2000.0}, "70% is good, 50% the least"),
        ("copy pinned", {"up_gbytes_per_s": 20.0}, "PCIe 32 GT/s x16 can 63 GB/s: 63% is good"),
        ("loader", {"shm_mib": 64}, "1024 MiB is good: large batches may die there"),
        (
            "all-reduce",
            {"ranks": [{"rank": n, "right": True, "bus_gbytes_per_s": 40.0} for n in (0, 1)]},
            "the cards' link is published as 450 GB/s: 60% is good",
        ),
    ],
)
def test_what_is_slow_but_right_is_a_warning(check: str, changed: dict[str, Any], reason: str) -> None:
    assert verdict(check, **changed) == ("warned", reason)


def test_of_an_unknown_device_speeds_are_told_and_not_judged() -> None:
    unknown = Expected(kind="cuda", name="NVIDIA Z1", peak=peaks.of("NVIDIA Z1"))
    result = judge("matmul speed", SOUND["matmul speed"], 0, unknown)
    assert (result.outcome, result.figure) == ("skipped", "700 TFLOPS bfloat16")
    assert result.reason == "no published peak of this device to hold it against"
    assert result.speeds == {"TFLOPS": 700.0}


def test_a_board_whose_clocks_drop_is_never_failed_for_its_speed() -> None:
    board = Expected(kind="cuda", name="NVIDIA L4", peak=peaks.of("NVIDIA L4"))
    assert verdict("matmul speed", board, tflops=10.0)[0] == "warned"


def test_a_card_that_is_not_the_given_one_is_named() -> None:
    other = Expected(kind="cuda", count=2, names=(CARD, "NVIDIA L4"))
    assert verdict("device", other) == (
        "failed",
        "torch sees 'NVIDIA H100 80GB HBM3' where 'NVIDIA L4' was given",
    )


NO_KERNEL = "AcceleratorError: CUDA error: no kernel image is available for execution on the device"


def test_a_torch_without_code_for_the_card_is_told_as_that() -> None:
    old = {"code": ["sm_50", "sm_60", "sm_90"], "cards": [{"index": 0, "name": "B200", "chip": "10.0"}]}
    assert verdict("device", error=NO_KERNEL, **old) == (
        "failed",
        "this torch has no code for cuda:0 (B200, 10.0): it was built for 5.0, 6.0, 9.0",
    )
    translated = {**old, "code": ["sm_90", "compute_90"]}
    for other in ({**translated}, {**old, "code": []}, {"cards": SOUND["device"]["cards"]}):
        assert verdict("device", error=NO_KERNEL, **other) == ("failed", NO_KERNEL), "another cause"


def test_an_npu_s_tool_and_torch_name_it_differently() -> None:
    cards = [{"index": 0, "name": "Ascend910B3", "where": "npu", "sum": 499500, "memory_mib": 62420}]
    npu = Expected(kind="npu", count=1, names=("910B3",))
    assert verdict("device", npu, kind="npu", cards=cards) == ("passed", "")


@pytest.mark.parametrize(("name", "outcome"), [("Ascend910A", "passed"), ("Ascend910B3", "failed")])
def test_the_first_generation_may_compute_float32_in_float16(name: str, outcome: str) -> None:
    npu = Expected(kind="npu", name=name)
    assert verdict("matmul float32", npu, off=1e-3, where="npu")[0] == outcome
