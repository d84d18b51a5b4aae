"""Which chips of a machine can work together, by the rules of Ascend's own scheduler. Pure.

Source: Ascend/mind-cluster, docs/en/scheduling, "Affinity based on Ascend AI processors" (26.1): who breaks
them has a job that hangs or fails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envkit.accelerators.cards import Card

_DOUBLINGS = (1, 2, 4, 8)
_RING = 4  # chips of the first generation that HCCS joins
_RING_OF_BOX16 = 8
_EVENLY = (10, 12, 14, 16)  # of a Box16, over both of its rings
_CHIPS_OF_A3 = 2
_ATLAS_850 = re.compile(r"\bAtlas ?850", re.IGNORECASE)


def discord(cards: Sequence[Card]) -> str:
    """Return why these cannot work together; "": they can, and one alone always can."""
    if len(cards) < 2:
        return ""
    rules = {"910": _of_910, "910b": _of_910b, "a3": _of_a3, "950": _of_950}
    found = (rules[chip](cards) for chip in dict.fromkeys(card.chip for card in cards) if chip in rules)
    return next(filter(None, found), "")


def _of_910(cards: Sequence[Card]) -> str:
    """Keep to two rings of four; HCCL knows no other numbers than these."""
    if len(cards) not in _DOUBLINGS:
        return f"a job has 1, 2, 4 or 8 chips of a 910, not {len(cards)}"
    if len(cards) <= _RING and len({card.index // _RING for card in cards}) > 1:
        return "up to four chips of a 910 must be of one ring: 0-3 or 4-7"
    return ""


def _of_910b(cards: Sequence[Card]) -> str:
    """Keep to the two rings of a Box16, the only machine with more than eight; others have no rings."""
    rings = [
        {card.index % _RING_OF_BOX16 for card in cards if card.index // _RING_OF_BOX16 == ring}
        for ring in (0, 1)
    ]
    if not rings[1]:
        return ""
    if len(cards) <= _RING_OF_BOX16:
        return "up to eight chips of a Box16 must be of one ring: 0-7 or 8-15" if rings[0] else ""
    if len(cards) not in _EVENLY:
        return f"a job has 1 to 8, 10, 12, 14 or 16 chips of a Box16, not {len(cards)}"
    if rings[0] != rings[1]:
        return "above eight, both rings of a Box16 give the same places: 0 and 8, 1 and 9"
    return ""


def _of_a3(cards: Sequence[Card]) -> str:
    boards = [card.board for card in cards]
    if any(boards.count(board) != _CHIPS_OF_A3 for board in boards):
        return "several chips of a 910C must be whole cards: two chips each"
    return ""


def _of_950(cards: Sequence[Card]) -> str:
    """Keep to an Atlas 850's numbers; the other machines with a 950 give any.

    Not tried on one: that its firmware calls it so is a guess from the elder ones' names, and nobody's record
    of one was found. A machine with another name has no rule here.
    """
    server = cards[0].server
    if not _ATLAS_850.search(server) or len(cards) in _DOUBLINGS:
        return ""
    return f"a job has 1, 2, 4 or 8 chips of an Atlas 850, not {len(cards)} (this one says it is {server!r})"
