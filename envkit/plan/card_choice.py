"""Choose cards: what is asked for, of what is free and works, that can work together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen
from envkit.accelerators.cards import Card
from envkit.errors import AcceleratorError

_LOOKED_AT = 20_000  # eight of sixteen are 12 870
# How near two cards are, by the words of `topo`: a direct link first, then ever farther through the machine.
_NEAR = ("NV", "SIO", "HCCS", "PIX", "PXB", "PHB", "NODE", "SYS")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which cards are asked for; no ids, no UUIDs and no count: all, or (`free_ones`) all that are free."""

    kind: str
    ids: tuple[int, ...] = ()
    uuids: tuple[str, ...] = ()
    count: int | None = None
    free_ones: bool = False
    share: bool = False  # what others use is no hindrance
    runs: bool = False  # what is asked for is in use by the asker: it is only named


def choose(wanted: Wanted, seen: Seen) -> tuple[Card, ...]:
    """Return the cards; AcceleratorError, with the reason per card, when there are not such."""
    if not seen.cards and not wanted.runs:
        raise no_card(wanted.kind)
    if wanted.ids or wanted.uuids:
        return _named(wanted, seen)
    whole = tuple(card for card in seen.cards if card.part_of is None)
    free = tuple(card for card in whole if not hindrance(card, seen, share=wanted.share))
    if wanted.count is not None:
        return _any(wanted, wanted.count, seen, free)
    if wanted.free_ones and free:
        return next(filter(None, (_best(wanted, many, free) for many in range(len(free), 0, -1))))
    bad = [card for card in whole if card not in free]
    if bad or not whole:
        raise _refused(wanted, seen, bad)
    return whole


def no_card(kind: str) -> AcceleratorError:
    """Return the error of a machine without any card of a kind."""
    return AcceleratorError(
        f"this machine has no {kind} card",
        fix="`--device cpu` starts it without; `--host` names another machine; see `envkit devices`",
    )


def hindrance(card: Card, seen: Seen, *, share: bool = False) -> str:
    """Return why a card cannot be had now; "": it can."""
    if card.trouble:
        return card.trouble
    if share:
        return ""
    holder = seen.taken.get(card.key, "")
    running = ", ".join(str(process) for process in card.processes)
    return holder or (f"in use by {running}" if running else "")


def _named(wanted: Wanted, seen: Seen) -> tuple[Card, ...]:
    by_index = {card.index: card for card in reversed(seen.cards) if card.part_of is None}
    by_uuid = {card.uuid: card for card in seen.cards if card.uuid}
    asked = [(str(number), by_index.get(number)) for number in wanted.ids]
    asked += [(uuid, by_uuid.get(uuid)) for uuid in wanted.uuids]
    if wanted.runs:
        lost = [
            Card(index=int(name) if name.isdecimal() else -1, name="gone") for name, card in asked if not card
        ]
        return (*(card for _, card in asked if card), *lost)
    absent = [name for name, card in asked if card is None]
    if absent:
        there = _numbers(seen.cards, ", ")
        raise AcceleratorError(
            f"this machine has no {wanted.kind} card {', '.join(absent)}: it has {there}",
            fix="`envkit devices` shows them all",
        )
    cards = tuple(dict.fromkeys(card.key for _, card in asked if card))
    chosen = tuple(card for card in seen.cards if card.key in cards)
    bad = [card for card in chosen if hindrance(card, seen, share=wanted.share)]
    if bad:
        raise _refused(wanted, seen, bad)
    against = ACCELERATORS[wanted.kind].discord(chosen)
    if against:
        raise AcceleratorError(
            f"{wanted.kind}:{_numbers(chosen)} cannot work together: {against}",
            fix=f"--device {len(chosen)} takes {len(chosen)} that can"
            if all(card.part_of is None for card in chosen)
            else f"name one part alone: --device {wanted.kind}:{chosen[-1].uuid}",
        )
    return chosen


def _any(wanted: Wanted, count: int, seen: Seen, free: tuple[Card, ...]) -> tuple[Card, ...]:
    """Return so many free cards: those that are joined best, of equally good ones the first."""
    if best := _best(wanted, count, free):
        return best
    bad = [card for card in seen.cards if card.part_of is None and card not in free]
    if len(free) < count:
        raise _refused(wanted, seen, bad)
    raise AcceleratorError(
        f"{len(free)} {wanted.kind} cards are free ({_numbers(free)}), and no {count} of them can work "
        f"together: {ACCELERATORS[wanted.kind].discord(free[:count])}",
        fix="ask for another number, or wait; `envkit devices` shows who has which",
    )


def _best(wanted: Wanted, count: int, free: tuple[Card, ...]) -> tuple[Card, ...]:
    discord = ACCELERATORS[wanted.kind].discord
    sets = islice(combinations(free, count), _LOOKED_AT)
    return min((cards for cards in sets if not discord(cards)), key=_distance, default=())


def _distance(cards: Iterable[Card]) -> int:
    return sum(_far(one.links.get(other.index, "")) for one, other in combinations(tuple(cards), 2))


def _far(link: str) -> int:
    return next((n for n, word in enumerate(_NEAR) if link.startswith(word)), len(_NEAR))


def _refused(wanted: Wanted, seen: Seen, bad: Sequence[Card]) -> AcceleratorError:
    reasons = "".join(
        f"\n    {wanted.kind}:{_numbers([card])} ({card.name}): {hindrance(card, seen, share=wanted.share)}"
        for card in bad
    )
    whole = tuple(card for card in seen.cards if card.part_of is None)
    can_be_had = [card for card in seen.cards if not hindrance(card, seen, share=wanted.share)]
    free = [card for card in can_be_had if card.part_of is None]
    asked = f"{_asked(wanted)} asked for, {len(free)} of {len(whole)} can be had"
    if wanted.ids or wanted.uuids:
        asked = "what is asked for cannot be had"
    # Several parts at once are none: a process sees one of them.
    others = free or can_be_had[:1]
    return AcceleratorError(
        f"{asked}:{reasons}",
        fix=(f"--device {wanted.kind}:{_numbers(others)} is free; " if others else "")
        + "`envkit devices` shows who has which"
        + ("; --share takes a card beside others" if any(not card.trouble for card in bad) else ""),
    )


def _asked(wanted: Wanted) -> str:
    if wanted.count:
        return f"{wanted.count} {wanted.kind} card{'s are' if wanted.count > 1 else ' is'}"
    return f"{'a' if wanted.free_ones else 'every'} {wanted.kind} card is"


def _numbers(cards: Iterable[Card], gap: str = ",") -> str:
    return gap.join(str(card.index) if card.part_of is None else card.uuid for card in cards)
