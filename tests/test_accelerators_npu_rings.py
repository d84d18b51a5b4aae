"""Which chips can work together: each rule kept, and broken."""

from __future__ import annotations

import pytest

from envkit.accelerators.cards import Card
from envkit.accelerators.npu_rings import discord


def chips(chip: str, *numbers: int, server: str = "") -> tuple[Card, ...]:
    return tuple(Card(index=n, name=chip, chip=chip, board=n // 2, server=server) for n in numbers)


EIGHT = tuple(range(8))
ODD = (0, 2, 4, 6)


@pytest.mark.parametrize(
    "cards",
    [
        chips("910", 5),
        chips("910", 4, 7),
        chips("910", 0, 1, 2, 3),
        chips("910", *EIGHT),
        chips("910b", 3, 4),
        chips("910b", *EIGHT),
        chips("910b", 9, 12, 15),
        chips("910b", *range(8, 16)),
        chips("910b", *range(5), *range(8, 13)),
        chips("910b", *range(1, 8), *range(9, 16)),
        chips("910b", *range(16)),
        chips("a3", 3),
        chips("a3", 2, 3),
        chips("a3", *range(16)),
        chips("950", 0, 1, 2),
        chips("950", *range(7), server="Atlas 950 SuperPoD"),
        chips("950", *range(7), server="PowerEdge R8500"),
        chips("950", 1, 6, server="Atlas 850"),
        chips("950", *ODD, server="Atlas 850"),
        chips("950", 6, server="Atlas 850"),
        chips("310p", 0, 1, 2),
        chips("", 0, 1, 2),
        (),
    ],
)
def test_these_can_work_together(cards: tuple[Card, ...]) -> None:
    assert discord(cards) == ""


@pytest.mark.parametrize(
    ("cards", "why"),
    [
        (chips("910", 3, 4), "up to four chips of a 910 must be of one ring: 0-3 or 4-7"),
        (chips("910", 0, 1, 2, 4), "up to four chips of a 910 must be of one ring: 0-3 or 4-7"),
        (chips("910", 0, 1, 2), "a job has 1, 2, 4 or 8 chips of a 910, not 3"),
        (chips("910", *range(6)), "a job has 1, 2, 4 or 8 chips of a 910, not 6"),
        (chips("910b", 7, 8), "up to eight chips of a Box16 must be of one ring: 0-7 or 8-15"),
        (chips("910b", *range(9)), "a job has 1 to 8, 10, 12, 14 or 16 chips of a Box16, not 9"),
        (
            chips("910b", *range(5), *range(9, 14)),
            "above eight, both rings of a Box16 give the same places: 0 and 8, 1 and 9",
        ),
        (chips("a3", 1, 2), "several chips of a 910C must be whole cards: two chips each"),
        (chips("a3", 0, 1, 2), "several chips of a 910C must be whole cards: two chips each"),
        (
            chips("950", 0, 1, 2, server="Atlas 850"),
            "a job has 1, 2, 4 or 8 chips of an Atlas 850, not 3 (this one says it is 'Atlas 850')",
        ),
        (
            chips("950", *range(7), server="Atlas 850E"),
            "a job has 1, 2, 4 or 8 chips of an Atlas 850, not 7 (this one says it is 'Atlas 850E')",
        ),
    ],
)
def test_these_cannot_and_it_is_said_why(cards: tuple[Card, ...], why: str) -> None:
    assert discord(cards) == why
