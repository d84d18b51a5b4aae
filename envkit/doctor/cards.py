"""The cards of a machine, of every kind. Pure."""

from __future__ import annotations

from collections.abc import Callable

from envkit.doctor.cards_ascend import judge_ascend
from envkit.doctor.cards_nvidia import judge_nvidia, nvidia_driver
from envkit.doctor.finding import Check, Finding
from envkit.doctor.seen import Seen
from envkit.engines.values import EngineFacts

_CARDS = Check(name="cards", domain="accelerator")
# A new accelerator that has something to be wrong brings a file and a line.
_JUDGES: tuple[Callable[[Seen, EngineFacts | None], tuple[Finding, ...]], ...] = (judge_nvidia, judge_ascend)


def names_of(seen: Seen) -> tuple[str, ...]:
    """Return a name for each card: its own where nvidia-smi tells it, else its node."""
    told = tuple(row.split(",")[1].strip() for row in seen.gpus if "," in row)
    nodes = [*seen.numbered("/dev/nvidia"), *seen.numbered("/dev/davinci")]
    return told or tuple(node.path for node in nodes)


def driver_of(seen: Seen) -> str:
    """Return the version of the cards' driver, "" when there is none."""
    return nvidia_driver(seen) or seen.words.get("ascend_version", "")


def judge_cards(seen: Seen, facts: EngineFacts | None) -> tuple[Finding, ...]:
    """Return a line for each kind of card that is there; without any, one that says so."""
    found = tuple(finding for judge in _JUDGES for finding in judge(seen, facts))
    return found or (_CARDS.ok("none: CPU only"),)
