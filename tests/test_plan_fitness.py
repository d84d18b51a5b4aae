"""What an image needs against the cards that its environment gets, before anything starts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from envkit.accelerators import cards
from envkit.accelerators.base import Seen
from envkit.accelerators.fit import Needs
from envkit.accelerators.needs import LABEL, to_label
from envkit.errors import AcceleratorError, HostError
from envkit.plan.devices import DeviceWish
from envkit.plan.run_decisions import decisions
from envkit.plan.run_plan import Caller, RunHost, RunImage, RunOptions, RunPlan, plan_run

NEEDS = Needs(accelerator="cuda", machine="amd64", driver="525.60.13", paired="570.26", chips=("8.0", "9.0"))
ANY = {"io.envkit.accelerator": "cuda", "io.envkit.expect": "{}"}
LABELS = {**ANY, LABEL: to_label(NEEDS)}
ADA = Caller(uid=1234567, gid=100, name="ada")
HOST = RunHost(
    memory_mib=16_000,
    home="/home/ada/envkit/home",
    cache="/home/ada/envkit/cache",
    free_ports=(20_001, 20_002),
    architecture="amd64",
    seen=Seen(paths={"/dev/nvidiactl": 0, "/dev/nvidia0": 0, "/dev/nvidia1": 0}),
)


Card = partial(cards.Card, index=0, name="NVIDIA A100", chip="8.0", driver="580.65.06")
OLD = "470.57.02"


def with_cards(*given: cards.Card) -> RunHost:
    return replace(HOST, seen=replace(HOST.seen, cards=given))


def plan(
    *given: cards.Card, device: str = "cuda", labels: dict[str, str] = LABELS, machine: str = "amd64"
) -> RunPlan:
    image = RunImage(reference="cuda:dev", id="sha256:aa", labels=labels, architecture=machine)
    options = RunOptions(device=DeviceWish(accelerator=device))
    return plan_run(image, options, with_cards(*given), ADA)


def test_cards_that_do_are_given() -> None:
    assert plan(Card(), Card(index=1, chip="9.0")).warnings == ()


def test_a_driver_that_does_not_do_is_refused_before_anything_starts() -> None:
    with pytest.raises(AcceleratorError) as error:
        plan(Card(driver=OLD), Card(index=1, driver=OLD))
    assert error.value.exit_code == 7
    assert error.value.what == "the image needs driver 525.60.13 or newer, the host has 470.57.02"
    assert error.value.fix.startswith("install a newer driver, or build for this one")


def test_every_card_that_does_not_do_is_named() -> None:
    with pytest.raises(AcceleratorError) as error:
        plan(Card(), Card(index=1, name="Tesla V100", chip="7.0"))
    assert error.value.what == "the image is made for 8.0, 9.0, card 1 (Tesla V100) is 7.0"
    assert "another card with --device" in error.value.fix


def test_cards_that_the_environment_does_not_get_do_not_count() -> None:
    image = RunImage(reference="cuda:dev", id="sha256:aa", labels=LABELS)
    host = with_cards(Card(), Card(index=1, chip="7.0", driver=OLD))
    options = RunOptions(device=DeviceWish(accelerator="cuda", ids=(0,)))
    assert plan_run(image, options, host, ADA).device.ids == (0,)
    assert plan(Card(driver=OLD), device="cpu").device.ids == (), "no card is used"


@pytest.mark.parametrize("labels", [{}, {LABEL: ""}, {LABEL: "{"}])
def test_an_image_that_does_not_say_what_it_needs_is_not_judged(labels: dict[str, str]) -> None:
    assert plan(Card(driver=OLD, chip="3.5"), labels={**ANY, **labels}).warnings == ()


def test_a_driver_that_only_just_does_is_a_warning_in_the_plan() -> None:
    found = plan(Card(driver="535.104.05"))
    assert found.warnings == (
        "the host's driver 535.104.05 is older than 570.26, which the image was made with: some of it "
        "may not work",
    )
    assert ("warning", found.warnings[0]) in [(row.what, row.why) for row in decisions(found)]


def test_an_image_of_another_machine_is_an_error_of_its_own() -> None:
    with pytest.raises(HostError) as error:
        plan(Card(driver=OLD), machine="arm64")
    assert (
        error.value.what
        == "cuda:dev is made for arm64: the engine's machine is amd64, and does not emulate it"
    )
