"""What a machine has of cards: how each is, how they are joined, who has which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen
from envkit.accelerators.cards import Card
from envkit.compat.failures import likely
from envkit.engines.base import Engine
from envkit.environment import card_lease, machine
from envkit.errors import EnvkitError
from envkit.hosts.base import Host
from envkit.plan.card_choice import hindrance

State = Literal["free", "used", "unusable"]


@dataclass(frozen=True, kw_only=True)
class Device:
    """One card, and whether it can be had."""

    name: str  # as --device takes it: "cuda:0", "cuda:MIG-…", "ascend:3"
    accelerator: str
    card: Card
    state: State
    why: str  # who has it, or why it cannot be used; "": free
    users: tuple[str, ...] = ()  # what runs with it: environments, runs, smoke tests


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Why a maker's tool fails, and what to do, where its words are known."""

    cause: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class Devices:
    """All cards of a machine."""

    devices: tuple[Device, ...]
    looked: tuple[str, ...]  # what was looked at
    note: str = ""  # why it is not known who has cards
    advice: tuple[Advice, ...] = ()


def devices(host: Host, connect: Callable[[Host], Engine]) -> Devices:
    """Look at all kinds of cards; without an engine only at the machine."""
    users: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {}
    note = ""
    try:
        engine = connect(host)
        users, taken = card_lease.users(engine), dict(card_lease.holders(engine))
    except EnvkitError as error:
        note = f"who has cards is not known: {error.what}"
    found = [machine.find_cards(host, name) for name in ACCELERATORS]
    looked = tuple(words for one in found for words in one.looked)
    return Devices(
        devices=tuple(
            _device(one.accelerator, card, Seen(cards=one.cards, taken=taken), users)
            for one in found
            for card in ACCELERATORS[one.accelerator].with_firmware(machine.asker(host), one.cards)
        ),
        looked=looked,
        note=note,
        advice=tuple(filter(None, map(_advice, looked))),
    )


def _advice(words: str) -> Advice | None:
    _, failed, said = words.partition(" failed: ")
    known = likely(said) if failed else None
    return Advice(cause=known.cause, fix=known.fix) if known else None


def _device(accelerator: str, card: Card, seen: Seen, users: dict[str, tuple[str, ...]]) -> Device:
    why = hindrance(card, seen)
    state: State = "unusable" if card.trouble else "used" if why else "free"
    return Device(
        name=f"{accelerator}:{card.index if card.part_of is None else card.uuid}",
        accelerator=accelerator,
        card=card,
        state=state,
        why=why,
        users=users.get(card.key, ()),
    )
