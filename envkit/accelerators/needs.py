"""What an image needs, as a label; and whether the cards of a machine have it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from envkit.accelerators.fit import Needs, below, numbers

LABEL = "io.envkit.needs"


class Card(Protocol):
    """What is asked of a card; "": it does not tell."""

    @property
    def index(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def chip(self) -> str: ...
    @property
    def driver(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Code:
    """What the torch in an image was built for, as it says itself; no chips: it does not say."""

    build: str = ""  # torch's own word for it: "cpu", "cu128"
    chips: tuple[str, ...] = ()
    newer_chips: bool = False


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a card does not do for an image: what it needs, what is there, and what to do."""

    what: str
    fix: str


def code_of(flags: str, build: str = "") -> Code | None:
    """Read torch's words for what it was built for: `sm_90` is code, `compute_90` is PTX; None: no word."""
    found = re.findall(r"\b(sm|compute)_(\d+)(\d)", flags)
    chips = {f"{major}.{minor}" for kind, major, minor in found if kind == "sm"}
    newer = any(kind == "compute" for kind, _, _ in found)
    return Code(build=build, chips=tuple(sorted(chips, key=numbers)), newer_chips=newer) if chips else None


def to_label(needs: Needs) -> str:
    """Return the label of an image."""
    return json.dumps(asdict(needs), sort_keys=True, separators=(",", ":"))


def from_label(text: str) -> Needs | None:
    """Return what a label says; None for one that is missing or damaged: such an image is not judged."""
    try:
        told = json.loads(text)
        return Needs(**{**told, "chips": tuple(told["chips"])})
    except (ValueError, TypeError, KeyError):
        return None


def problems(
    needs: Needs, cards: Sequence[Card], runs_on: Callable[[Needs, str], bool]
) -> tuple[Problem, ...]:
    """Return what speaks against running an image on these cards; what a card does not tell is not held."""
    found = [_of_driver(needs, card) for card in cards] + [_of_chip(needs, card, runs_on) for card in cards]
    return tuple(dict.fromkeys(problem for problem in found if problem))


def loose(needs: Needs, cards: Sequence[Card]) -> tuple[str, ...]:
    """Return warnings: the driver bears the image, and is older than what it was made with."""
    drivers = dict.fromkeys(card.driver for card in cards if card.driver)
    return tuple(
        f"the host's driver {driver} is older than {needs.paired}, which the image was made with: some of it "
        "may not work"
        for driver in drivers
        if needs.paired and below(driver, needs.paired)
    )


def _of_driver(needs: Needs, card: Card) -> Problem | None:
    if not needs.driver or not card.driver or not below(card.driver, needs.driver):
        return None
    of = f" (CANN {needs.cann})" if needs.cann else ""
    return Problem(
        what=f"the image needs driver {needs.driver} or newer{of}, the host has {card.driver}",
        fix=f"install a newer driver, or build for this one: `target: {{driver: {card.driver}}}` in the spec",
    )


def _of_chip(needs: Needs, card: Card, runs_on: Callable[[Needs, str], bool]) -> Problem | None:
    if not needs.chips or not card.chip or runs_on(needs, card.chip):
        return None
    made_for = ", ".join(needs.chips)
    return Problem(
        what=f"the image is made for {made_for}, card {card.index} ({card.name}) is {card.chip}",
        fix=f"another card with --device, or build for this one: `target: {{chip: {card.chip}}}` in the spec",
    )
