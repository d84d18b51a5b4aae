"""Whether the cards that an environment gets do for its image: compared before anything starts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Wiring
from envkit.accelerators.needs import LABEL, Card, from_label, loose, problems
from envkit.errors import AcceleratorError


def refuse_unfit(labels: Mapping[str, str], device: Wiring, cards: Sequence[Card]) -> tuple[str, ...]:
    """Return warnings; AcceleratorError when driver or cards do not do.

    `cards` are all of the host's: those that the environment gets are looked at. An image that does not say
    what it needs (a foreign one, or an older envkit's) is not judged.
    """
    needs = from_label(labels.get(LABEL, ""))
    if needs is None or needs.accelerator != device.accelerator:
        return ()
    given = [card for card in cards if card.index in device.ids]
    found = problems(needs, given, ACCELERATORS[needs.accelerator].runs_on)
    if found:
        raise AcceleratorError("; ".join(one.what for one in found), fix=found[0].fix)
    return loose(needs, given)
