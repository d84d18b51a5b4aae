"""Which checks a tier has, and what a name stands for."""

from __future__ import annotations

from envkit import paths
from envkit.smoke.checks import CHECKS, names, of_tier


def ids(*words: str, tier: str = "standard") -> list[str]:
    return [check.id for check in of_tier(tier, words)]  # type: ignore[arg-type]


def test_quick_leaves_out_the_compiler_and_the_soak() -> None:
    everything = [check.id for check in CHECKS]
    assert set(everything) - set(ids(tier="quick")) == {"compile", "soak"}
    assert ids(tier="full") == everything


def test_a_name_stands_for_all_that_begin_with_it_and_for_what_they_need() -> None:
    assert ids("copy") == ["import", "device", "copy", "copy pinned"]
    assert ids("copy pinned") == ["import", "device", "copy pinned"]
    assert ids("matmul")[2:] == ["matmul float32", "matmul bfloat16", "matmul float16", "matmul speed"]


def test_a_check_that_the_tier_leaves_out_can_be_named() -> None:
    assert ids("soak", tier="quick") == ["import", "device", "soak"]
    soak = CHECKS[-1].planned("quick")
    assert soak["arguments"]["cpu"] == {"size": 1024, "seconds": 20.0}


def test_every_check_has_sizes_for_a_card_and_for_a_cpu_and_a_function() -> None:
    for check in CHECKS:
        program = (paths.probes() / f"smoke_{check.module}.py").read_text("utf-8")
        assert f"def {check.function}(" in program
        assert check.needed or all(check.card[tier] and check.cpu[tier] for tier in check.tiers), check.id


def test_what_can_be_named_is_told() -> None:
    assert {"matmul", "matmul float32", "copy pinned", "all-reduce"} <= set(names())
    assert not {"import", "device"} & set(names())
