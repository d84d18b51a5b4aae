"""A torch is held against the cards that the spec names, and that a proven image's label promises."""

from __future__ import annotations

from dataclasses import replace

from envkit.accelerators.fit import Needs
from envkit.image.expectation import Torch
from envkit.image.verdict import Item
from tests.test_image_checks import EXPECT, good, items

BUILT = {"build": "cu126", "architectures": "sm_70 sm_80 sm_90"}
CUDA = Needs(accelerator="cuda", machine="amd64", chips=("8.0", "9.0"))


def torch_item(chip: str = "", needs: Needs = CUDA, proven: bool = False, **code: object) -> Item:
    """Return the verdict on a torch that was built for BUILT, as changed."""
    found = good()
    found["torch"].update({**BUILT, **code})
    planned = Torch(version="2.13.0", build="cu126", chip=chip)
    return items(found, replace(EXPECT, torch=planned, needs=needs, proven=proven))["torch"]


def test_a_torch_that_was_built_for_the_target_says_what_for() -> None:
    item = torch_item(chip="8.6")
    assert item.reason == "torch 2.13.0+cpu imports and computes, with code for 7.0, 8.0, 9.0"


def test_a_torch_without_code_for_the_card_that_the_spec_names_fails() -> None:
    item = torch_item(chip="12.0")
    assert (item.outcome, item.reason) == (
        "failed", "torch has code for 7.0, 8.0, 9.0, and none for 12.0, which the spec names",
    )  # fmt: skip
    assert torch_item(chip="12.0", architectures="sm_80 compute_80").outcome == "passed", (
        "a driver translates it"
    )


def test_a_proven_image_s_label_promises_no_card_that_torch_has_no_code_for() -> None:
    wide = replace(CUDA, chips=("5.0", "9.0"))
    assert torch_item(needs=wide).outcome == "passed", "a table's word, before the proof"
    assert torch_item(needs=wide, proven=True).reason == (
        "torch has code for 7.0, 8.0, 9.0, and none for 5.0, which the image's label names"
    )


def test_a_torch_that_does_not_tell_its_code_is_not_held_to_it() -> None:
    assert torch_item(chip="12.0", proven=True, architectures="").outcome == "passed"
