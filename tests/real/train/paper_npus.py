"""`envkit` on a machine whose two NPUs are on paper: nothing is wired, the image's CANN computes on a CPU."""

from __future__ import annotations

from envkit import accelerators
from envkit.accelerators.ascend import Ascend
from envkit.accelerators.base import Seen, Wiring
from envkit.accelerators.cards import Ask, Card, Found
from envkit.cli.main import main


class PaperNpus(Ascend):
    """Two NPUs that no container needs."""

    def find(self, ask: Ask, seen: Seen) -> Found:
        """Tell of two."""
        cards = tuple(
            Card(index=number, name="910B2", chip="910b", memory_mib=65536, driver="25.5.0")
            for number in (0, 1)
        )
        return Found(accelerator=self.name, cards=cards, looked=("on paper",))

    def wire(self, cards: tuple[Card, ...], seen: Seen) -> Wiring:
        """Wire nothing."""
        return Wiring(
            accelerator=self.name,
            ids=tuple(card.index for card in cards),
            keys=tuple(card.key for card in cards),
        )

    def inside(self, ask: Ask) -> tuple[str, ...] | None:
        """Look at nothing: there are no nodes."""
        return None


if __name__ == "__main__":
    accelerators._made["ascend"] = PaperNpus()
    main()
