"""Every check has a twin: something is broken, and exactly that check turns red."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from envkit.smoke.checks import CHECKS, Check
from envkit.smoke.judge import Expected, judge
from envkit.smoke.places import Inside
from tests.real.smoke.conftest import ask

pytestmark = pytest.mark.real

TYPES = ("float32", "bfloat16", "float16")
RANKS = {"mib": 1, "times": 2, "limit_s": 60.0}
# Sizes of which nothing takes long: what is right or wrong does not depend on them.
TINY: dict[str, dict[str, Any]] = {
    "matmul speed": {"sizes": [64], "times": 2},
    "memory speed": {"mib": 4, "times": 2},
    "copy": {"mib": 4, "times": 1, "pinned": False},
    "allocator": {"share": 0.25, "most_mib": 80},
    "training": {"steps": 20, "width": 32},
    "loader": {"workers": 2, "batches": 4, "mib": 1},
    "checkpoint": {"mib": 1},
    "compile": {"size": 16},
    "soak": {"size": 64, "seconds": 0.02},
}
# What is broken, with which words, and the check that must turn red.
TWINS: tuple[tuple[str, dict[str, Any], str], ...] = (
    *(("wrong_product", {"dtype": dtype}, f"matmul {dtype}") for dtype in TYPES),
    *(("wrong_convolution", {"dtype": dtype}, f"conv {dtype}") for dtype in TYPES),
    *(("wrong_attention", {"dtype": dtype}, f"attention {dtype}") for dtype in TYPES),
    ("no_autocast", {}, "autocast"),
    ("corrupted_copy", {}, "copy"),
    ("kept_memory", {}, "allocator"),
    ("rising_loss", {}, "training"),
    ("another_seed", {}, "training"),
    ("wrong_batch", {}, "loader"),
    ("other_checkpoint", {}, "checkpoint"),
    ("wrong_compiler", {}, "compile"),
    ("unsteady_product", {}, "soak"),
    ("wrong_sum", {}, "device"),
    ("wrong_device", {}, "device"),
)  # fmt: skip


# What is broken elsewhere: no torch (test_smoke.py), ranks (below), and what only a card can be slow at or
# pin memory for (tests/test_smoke_judge.py).
ELSEWHERE = {"import", "all-reduce", "matmul speed", "memory speed", "copy pinned"}


def planned(check: Check, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a check as it is asked for, in one process with the others."""
    asked = check.planned("full")
    if arguments is not None:
        asked["arguments"] = {"cpu": arguments}
    return {**asked, "alone": False}


def broken(function: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "id": f"sabotage {function}", "module": "smoke_sabotage", "function": function,
        "arguments": {"cpu": arguments or {}}, "limit_s": 60.0,
    }  # fmt: skip


def light() -> list[dict[str, Any]]:
    """Return every check that does not start other processes with a torch of their own."""
    checks = (check for check in CHECKS if check.id not in ("import", "copy pinned", "all-reduce"))
    return [{**planned(check, TINY.get(check.id)), "needed": check.id == "device"} for check in checks]


def reds(told: list[dict[str, Any]]) -> set[str]:
    """Return what the judge calls failed."""
    answers = (one for one in told if "check" in one and not one["check"].startswith("sabotage"))
    judged = (judge(one["check"], one["facts"], 0, Expected(kind="cpu", count=1)) for one in answers)
    return {result.id for result in judged if result.outcome == "failed"}


@pytest.fixture(scope="module")
def sets(inside: Inside) -> list[list[dict[str, Any]]]:
    """What was told of a sound torch, and then with each sabotage: all of it by one process."""
    plan = light()
    for function, arguments, _ in TWINS:
        plan += [broken(function, arguments), *light(), broken("mend")]
    told = ask(inside, plan)
    names = [one.get("check", "") for one in told]
    starts = [0, *(n for n, name in enumerate(names) if name.startswith("sabotage ") and "mend" not in name)]
    return [told[first:last] for first, last in pairwise([*starts, len(told)])]


def test_every_check_has_a_twin() -> None:
    assert {red for _, _, red in TWINS} | ELSEWHERE == {check.id for check in CHECKS}


def test_a_sound_torch_has_nothing_red(sets: list[list[dict[str, Any]]]) -> None:
    assert reds(sets[0]) == set()
    assert len(sets[0]) == len(light()) + 1  # and the line that tells of the machine


@pytest.mark.parametrize(("number", "red"), [(n, red) for n, (_, _, red) in enumerate(TWINS, 1)])
def test_what_is_broken_turns_exactly_its_check_red(
    sets: list[list[dict[str, Any]]], number: int, red: str
) -> None:
    assert sets[number][0]["check"] == f"sabotage {TWINS[number - 1][0]}"
    assert reds(sets[number]) == {red}


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("dropped_rank", "rank 1 its process ended by itself with exit code 3"),
        ("silent_rank", "rank 1 did not end within 5 s"),
        ("lone_rank", "rank 0 has a wrong sum; rank 1 has a wrong sum"),
    ],
)
def test_ranks_that_do_not_come_together_are_named(inside: Inside, function: str, says: str) -> None:
    reduce = next(check for check in CHECKS if check.id == "all-reduce")
    limit_s = 5.0 if function == "silent_rank" else 60.0
    asked = planned(reduce, {**RANKS, "limit_s": limit_s})
    told = ask(inside, [broken(function), asked])
    result = judge("all-reduce", told[-2]["facts"], 0, Expected(kind="cpu"))
    assert (result.outcome, says in result.reason) == ("failed", True), result


def test_a_torch_that_cannot_compute_on_the_card_ends_the_test(inside: Inside) -> None:
    see, product = (next(check for check in CHECKS if check.id == name) for name in ("device", "soak"))
    told = ask(inside, [broken("no_kernel"), planned(see), planned(product, TINY["soak"])])
    first, then = (judge(one["check"], one["facts"], 0, Expected(kind="cpu")) for one in told[-3:-1])
    assert (first.outcome, then.outcome, then.reason) == ("failed", "skipped", "device failed")
    assert (
        first.reason == "RuntimeError: CUDA error: no kernel image is available for execution on the device"
    )
    assert first.facts["cards"][0]["index"] == 0, "what was seen until then is told with it"


def test_a_dev_shm_that_is_too_small_turns_the_loader_red(inside: Inside) -> None:
    """The container has 64 MiB, which is Docker's own default: the check's own sizes do not fit in."""
    check = next(check for check in CHECKS if check.id == "loader")
    asked = check.planned("quick")
    asked["arguments"]["cpu"]["patience_s"] = 5
    told = ask(inside, [asked])
    result = judge("loader", told[-2]["facts"], 0, Expected(kind="cpu"))
    assert (result.outcome, result.reason.endswith("/dev/shm has 64 MiB")) == ("failed", True), result
