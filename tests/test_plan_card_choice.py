"""Which cards are chosen, and what is said of each that cannot be had."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from envkit.accelerators.base import Seen
from envkit.accelerators.cards import Card, Process
from envkit.errors import AcceleratorError
from envkit.plan.card_choice import Wanted, choose

GPU = partial(Card, name="H100")
# Two pairs with a direct link each.
FOUR = tuple(
    GPU(index=n, links={m: "NV18" if n // 2 == m // 2 else "SYS" for m in range(4) if m != n})
    for n in range(4)
)
ASK = partial(Wanted, kind="cuda")


def chosen(wanted: Wanted, *cards: Card, taken: dict[str, str] | None = None) -> list[int]:
    return [card.index for card in choose(wanted, Seen(cards=cards, taken=taken or {}))]


def refused(wanted: Wanted, *cards: Card, taken: dict[str, str] | None = None) -> AcceleratorError:
    with pytest.raises(AcceleratorError) as caught:
        choose(wanted, Seen(cards=cards, taken=taken or {}))
    return caught.value


def test_any_two_are_two_that_are_joined_best() -> None:
    assert chosen(ASK(count=2), *FOUR) == [0, 1]
    assert chosen(ASK(count=2), *FOUR, taken={"CARD-0": "environment a has it"}) == [2, 3]
    assert chosen(ASK(count=4), *FOUR) == [0, 1, 2, 3]


def test_auto_takes_what_is_free_and_all_means_all() -> None:
    taken = {"CARD-0": "environment a has it"}
    assert chosen(ASK(free_ones=True), *FOUR, taken=taken) == [1, 2, 3]
    error = refused(ASK(), *FOUR, taken=taken)
    assert (
        error.what
        == "every cuda card is asked for, 3 of 4 can be had:\n    cuda:0 (H100): environment a has it"
    )
    assert error.fix.startswith("--device cuda:1,2,3 is free; ")


def test_each_card_that_cannot_be_had_is_named_with_its_reason() -> None:
    cards = (
        GPU(index=0, processes=(Process(pid=42, name="python"), Process(pid=43, name="triton"))),
        GPU(index=1, health="GPU is lost"),
        GPU(index=2),
        GPU(index=3),
    )
    error = refused(ASK(count=2), *cards, taken={"CARD-2": "environment a has it"})
    assert error.exit_code == 7
    assert error.what.splitlines() == [
        "2 cuda cards are asked for, 1 of 4 can be had:",
        "    cuda:0 (H100): in use by python (pid 42), triton (pid 43)",
        "    cuda:1 (H100): GPU is lost",
        "    cuda:2 (H100): environment a has it",
    ]


def test_to_share_is_to_take_what_others_use_but_nothing_broken() -> None:
    busy = GPU(index=0, processes=(Process(pid=42, name="python"),))
    assert chosen(ASK(ids=(0,), share=True), busy, taken={"CARD-0": "environment a has it"}) == [0]
    assert "GPU is lost" in refused(ASK(ids=(0,), share=True), GPU(index=0, health="GPU is lost")).what


def test_cards_are_named_by_number_or_uuid_and_come_in_their_order() -> None:
    cards = tuple(replace(card, uuid=f"GPU-{card.index}f") for card in FOUR)
    assert chosen(ASK(ids=(3,), uuids=("GPU-1f", "GPU-3f")), *cards) == [1, 3]
    error = refused(ASK(ids=(9,), uuids=("GPU-zz",)), *cards)
    assert error.what == "this machine has no cuda card 9, GPU-zz: it has 0, 1, 2, 3"


def test_a_part_is_chosen_by_its_uuid_only() -> None:
    split = GPU(index=0, uuid="GPU-0f", is_split=True)
    parts = tuple(GPU(index=0, uuid=f"MIG-{n}", part_of=0) for n in range(2))
    assert [card.key for card in choose(ASK(uuids=("MIG-1",)), Seen(cards=(split, *parts)))] == ["MIG-1"]
    assert "choose one of its parts by UUID" in refused(ASK(ids=(0,)), split, *parts).what
    both = refused(ASK(uuids=("MIG-0", "MIG-1")), split, *parts)
    assert (both.what, both.fix) == (
        "cuda:MIG-0,MIG-1 cannot work together: a process sees one MIG part only",
        "name one part alone: --device cuda:MIG-1",
    )
    busy = replace(parts[1], processes=(Process(pid=7, name="python"),))
    error = refused(ASK(uuids=("MIG-1",)), split, parts[0], busy)
    assert error.what.splitlines()[1].strip() == "cuda:MIG-1 (H100): in use by python (pid 7)"
    assert error.fix == (
        "--device cuda:MIG-0 is free; `envkit devices` shows who has which; "
        "--share takes a card beside others"
    )
    assert refused(ASK(free_ones=True), split, *parts).fix == (
        "--device cuda:MIG-0 is free; `envkit devices` shows who has which"
    ), "nobody can share a card that is split"
    assert "it has 0, MIG-0, MIG-1" in refused(ASK(uuids=("MIG-9",)), split, *parts).what


def test_chips_of_a_first_910_stay_in_one_ring() -> None:
    npus = tuple(Card(index=n, name="910A", chip="910") for n in range(8))
    ask = partial(Wanted, kind="ascend")
    taken = {f"CARD-{n}": "environment a has it" for n in (1, 2, 3)}
    assert chosen(ask(count=2), *npus, taken=taken) == [4, 5]
    assert chosen(ask(count=8), *npus) == list(range(8))
    error = refused(ask(ids=(3, 4)), *npus)
    assert error.what == (
        "ascend:3,4 cannot work together: up to four chips of a 910 must be of one ring: 0-3 or 4-7"
    )
    assert error.fix == "--device 2 takes 2 that can"
    scattered = {f"CARD-{n}": "environment a has it" for n in (1, 2, 3, 5, 6, 7)}
    assert "and no 2 of them can work together" in refused(ask(count=2), *npus, taken=scattered).what


def test_several_chips_of_a_910c_are_whole_cards() -> None:
    npus = tuple(Card(index=n, name="Ascend910", chip="a3", board=n // 2) for n in range(4))
    ask = partial(Wanted, kind="ascend")
    assert chosen(ask(count=1), *npus) == [0]
    assert chosen(ask(count=2), *npus, taken={"CARD-0": "environment a has it"}) == [2, 3]
    assert chosen(ask(free_ones=True), *npus, taken={"CARD-0": "environment a has it"}) == [2, 3]
    assert "must be whole cards" in refused(ask(ids=(1, 2)), *npus).what


def test_a_number_that_no_ring_gives_is_refused_and_auto_takes_fewer() -> None:
    npus = tuple(Card(index=n, name="910A", chip="910") for n in range(8))
    ask = partial(Wanted, kind="ascend")
    assert "a job has 1, 2, 4 or 8 chips of a 910, not 3" in refused(ask(count=3), *npus).what
    taken = {f"CARD-{n}": "environment a has it" for n in (0, 5)}
    assert chosen(ask(free_ones=True), *npus, taken=taken) == [1, 2]
    box = tuple(Card(index=n, name="910B3", chip="910b") for n in range(16))
    assert chosen(ask(count=10), *box) == [0, 1, 2, 3, 4, 8, 9, 10, 11, 12]
    assert chosen(ask(count=2), *box, taken={f"CARD-{n}": "a has it" for n in range(7)}) == [8, 9]


def test_chips_of_an_a2_have_no_rings() -> None:
    npus = tuple(Card(index=n, name="910B3", chip="910b") for n in range(8))
    assert chosen(Wanted(kind="ascend", ids=(3, 4)), *npus) == [3, 4]


def test_what_runs_is_named_and_not_judged() -> None:
    wanted = ASK(ids=(0, 7), share=True, runs=True)
    assert chosen(wanted, GPU(index=0, processes=(Process(pid=1, name="x"),))) == [0, 7]
