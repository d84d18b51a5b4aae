"""The cards of a machine, of every kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from envkit.accelerators.cards import Card
from envkit.doctor.cards_ascend import judge_ascend
from envkit.doctor.cards_nvidia import judge_nvidia, nvidia_driver
from envkit.doctor.finding import Check, Finding
from envkit.doctor.seen import Seen
from envkit.engines.values import EngineFacts

Held = Mapping[str, tuple[Card, ...]]  # accelerator → its cards, as the makers' tools tell them

_CARDS = Check(name="cards", domain="accelerator")
# A new accelerator that has something to be wrong brings a file and a line.
_JUDGES: tuple[Callable[[Seen, EngineFacts | None], tuple[Finding, ...]], ...] = (judge_nvidia, judge_ascend)


# Where there is such a node, the accelerator is asked for its cards.
_NODES = {"cuda": "/dev/nvidia", "ascend": "/dev/davinci"}


def kinds_of(seen: Seen) -> tuple[str, ...]:
    """Return the accelerators that have cards here."""
    return tuple(kind for kind, prefix in _NODES.items() if seen.numbered(prefix))


def names_of(seen: Seen) -> tuple[str, ...]:
    """Return a name for each card: its own where nvidia-smi tells it, else its node."""
    told = tuple(row.split(",")[1].strip() for row in seen.gpus if "," in row)
    nodes = [*seen.numbered("/dev/nvidia"), *seen.numbered("/dev/davinci")]
    return told or tuple(node.path for node in nodes)


def driver_of(seen: Seen) -> str:
    """Return the version of the cards' driver, "" when there is none."""
    return nvidia_driver(seen) or seen.words.get("ascend_version", "")


def judge_cards(seen: Seen, facts: EngineFacts | None, held: Held) -> tuple[Finding, ...]:
    """Return a line for each kind of card that is there; without any, one that says so."""
    found = tuple(finding for judge in _JUDGES for finding in judge(seen, facts))
    if any(finding.outcome == "fail" for finding in found):  # the cards' own words would only repeat it
        return found
    return (*found, *_unwell(held)) or (_CARDS.ok("none: CPU only"),)


def _unwell(held: Held) -> Iterator[Finding]:
    for card in (card for cards in held.values() for card in cards):
        if card.trouble and not card.is_split:
            what = f"card {card.index} ({card.name}) cannot be used: {card.trouble}"
            yield _CARDS.fail("cards.health", what, "`envkit devices` shows it; reset the card, or reboot")
