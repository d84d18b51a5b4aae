"""What an image needs against what a machine's cards have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.cards import Card
from envkit.accelerators.fit import Needs
from envkit.accelerators.needs import Code, Problem, code_of, from_label, loose, problems, to_label

CUDA = Needs(
    accelerator="cuda",
    machine="amd64",
    driver="525.60.13",
    paired="570.26",
    chips=("7.0", "8.0", "9.0"),
)
ASCEND = Needs(accelerator="ascend", machine="arm64", driver="25.2", chips=("910b",), cann="9.1.0")


def card(index: int = 0, name: str = "a card", chip: str = "", driver: str = "") -> Card:
    return Card(index=index, name=name, chip=chip, driver=driver)


def told(needs: Needs, *cards: Card) -> tuple[Problem, ...]:
    return problems(needs, cards, ACCELERATORS[needs.accelerator].runs_on)


@pytest.mark.parametrize("needs", [CUDA, ASCEND, Needs(accelerator="cpu", machine="amd64")])
def test_a_label_says_it_all(needs: Needs) -> None:
    assert from_label(to_label(needs)) == needs


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", "null", '{"accelerator":"cuda","chips":1}'])
def test_a_damaged_label_says_nothing(text: str) -> None:
    assert from_label(text) is None


def test_an_old_driver_is_refused_with_what_is_needed_and_what_is_there() -> None:
    assert told(CUDA, card(driver="470.57.02"), card(index=1, driver="470.57.02")) == (
        Problem(
            what="the image needs driver 525.60.13 or newer, the host has 470.57.02",
            fix="install a newer driver, or build for this one: `target: {driver: 470.57.02}` in the spec",
        ),
    )
    assert told(ASCEND, card(driver="25.0.1", chip="910b"))[0].what == (
        "the image needs driver 25.2 or newer (CANN 9.1.0), the host has 25.0.1"
    )


@pytest.mark.parametrize(
    ("flags", "chips", "newer"),
    [
        # torch 2.13.0, CUDA 13.0, x86-64 and aarch64: as they stand in the wheels
        ("sm_75 sm_80 sm_86 sm_90 sm_100 sm_120", ("7.5", "8.0", "8.6", "9.0", "10.0", "12.0"), False),
        ("sm_80 sm_90 sm_100 sm_110 sm_120", ("8.0", "9.0", "10.0", "11.0", "12.0"), False),
        ("sm_90 sm_90a sm_120 compute_120", ("9.0", "12.0"), True),
    ],
)
def test_flags_of_a_compiler_become_compute_capabilities(
    flags: str, chips: tuple[str, ...], newer: bool
) -> None:
    assert code_of(flags, "cu130") == Code(build="cu130", chips=chips, newer_chips=newer)
    assert code_of("", "cpu") is None


def test_what_torch_says_of_itself_counts_and_no_table() -> None:
    cuda = ACCELERATORS["cuda"]
    code = Code(build="cu130", chips=("9.0", "12.0"), newer_chips=True)
    assert cuda.as_built(CUDA, code) == replace(CUDA, chips=("9.0", "12.0"), newer_chips=True)
    unknown = Needs(accelerator="cuda", machine="amd64")  # a base's own torch, or an adopted image's
    assert cuda.as_built(unknown, code) == replace(
        unknown, chips=("9.0", "12.0"), newer_chips=True, paired="580.65.06"
    )
    assert cuda.as_built(CUDA, Code(build="cu130")) == CUDA, "it does not tell"
    assert ACCELERATORS["ascend"].as_built(ASCEND, code) == ASCEND


def test_a_card_without_code_for_it_is_refused_by_number_and_name() -> None:
    assert told(CUDA, card(chip="8.6"), card(index=1, name="NVIDIA B200", chip="10.0")) == (
        Problem(
            what="the image is made for 7.0, 8.0, 9.0, card 1 (NVIDIA B200) is 10.0",
            fix="another card with --device, or build for this one: `target: {chip: 10.0}` in the spec",
        ),
    )
    assert told(ASCEND, card(chip="310p"))[0].what.endswith("card 0 (a card) is 310p")


def test_what_a_card_does_not_tell_is_not_held_against_it() -> None:
    assert told(CUDA, card()) == told(ASCEND, card()) == ()
    assert told(Needs(accelerator="cuda", machine="amd64"), card(driver="1", chip="1.0")) == ()


def test_a_driver_older_than_the_paired_one_is_a_warning() -> None:
    assert loose(CUDA, [card(driver="535.104.05"), card(driver="535.104.05")]) == (
        "the host's driver 535.104.05 is older than 570.26, which the image was made with: some of it may "
        "not work",
    )
    assert loose(CUDA, [card(driver="580.65.06"), card()]) == loose(ASCEND, [card(driver="24.1")]) == ()
