"""Cards that the torch under test was not built for: why no kernel runs there."""

from __future__ import annotations

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.fit import Needs
from envkit.accelerators.needs import code_of
from envkit.smoke.result import Facts


def without_code(facts: Facts) -> list[str]:
    """Say which of the cards have no code in this torch, by its own words; [] when it does not say."""
    accelerator = {one.torch_device: one for one in ACCELERATORS.values()}.get(facts.get("kind", ""))
    code = code_of(" ".join(facts.get("code", ())))
    if accelerator is None or code is None:
        return []
    needs = accelerator.as_built(Needs(accelerator=accelerator.name, machine=""), code)
    return [
        f"this torch has no code for {facts['kind']}:{card['index']} ({card['name']}, {card['chip']}): "
        f"it was built for {', '.join(needs.chips)}"
        for card in facts.get("cards", ())
        if card.get("chip") and not accelerator.runs_on(needs, card["chip"])
    ]
