"""The cards of a machine, of every kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.cards import Card
from envkit.doctor.cards_ascend import judge_ascend
from envkit.doctor.cards_nvidia import judge_nvidia, nvidia_driver
from envkit.doctor.finding import Check, Finding
from envkit.doctor.seen import Node, Seen
from envkit.engines.values import EngineFacts

Held = Mapping[str, tuple[Card, ...]]  # accelerator → its cards, as the makers' tools tell them

_CARDS = Check(name="cards", domain="accelerator")
# A new accelerator that has something to be wrong brings a file and a line.
_Judge = Callable[[Seen, EngineFacts | None, tuple[Card, ...]], tuple[Finding, ...]]
_JUDGES: Mapping[str, _Judge] = {"cuda": judge_nvidia, "ascend": judge_ascend}


def kinds_of(seen: Seen) -> tuple[str, ...]:
    """Return the accelerators that have cards here: they are asked for them."""
    return tuple(kind for kind in ACCELERATORS if _nodes(seen, kind))


def names_of(held: Held) -> tuple[str, ...]:
    """Return a name for each card."""
    return tuple(card.name for cards in held.values() for card in cards if card.part_of is None)


def driver_of(held: Held, seen: Seen) -> str:
    """Return the version of the cards' driver, as they or its own files tell it; "": there is none."""
    told = (card.driver for cards in held.values() for card in cards)
    return next(filter(None, told), "") or nvidia_driver(seen) or seen.words.get("ascend_version", "")


def judge_cards(seen: Seen, facts: EngineFacts | None, held: Held) -> tuple[Finding, ...]:
    """Return a line for each kind of card that is there; without any, one that says so."""
    found = tuple(
        finding for kind, judge in _JUDGES.items() for finding in judge(seen, facts, held.get(kind, ()))
    )
    if any(finding.outcome == "fail" for finding in found):  # the cards' own words would only repeat it
        return found
    return (*found, *_unwell(held)) or (_CARDS.ok("none: CPU only"),)


def _nodes(seen: Seen, kind: str) -> list[Node]:
    """Return the nodes of its cards: what it looks at that is numbered."""
    numbered = [path.removesuffix("*") for path in ACCELERATORS[kind].looks_at if path.endswith("*")]
    return [node for prefix in numbered for node in seen.numbered(prefix)]


def _unwell(held: Held) -> Iterator[Finding]:
    for card in (card for cards in held.values() for card in cards):
        if card.trouble and not card.is_split:
            what = f"card {card.index} ({card.name}) cannot be used: {card.trouble}"
            yield _CARDS.fail("cards.health", what, "`envkit devices` shows it; reset the card, or reboot")
