"""Plain CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.accelerators.base import Seen, Shape, Wiring
from envkit.accelerators.cards import Ask, Card, CardUse, Found

if TYPE_CHECKING:
    from envkit.accelerators.fit import Needs, Resolved, Wish
    from envkit.accelerators.needs import Code


class Cpu:
    """No card: torch's CPU build."""

    name = "cpu"
    torch_device = "cpu"
    looks_at: tuple[str, ...] = ()
    python_is_the_base_s = False
    base_has_variables = False
    build_bytes = 6 << 30
    use_command: tuple[str, ...] = ()
    sharing = ""

    def resolve(self, wish: Wish) -> Resolved:
        """Take the CPU build: the plain one is gigabytes of CUDA."""
        from envkit.accelerators import cpu_fit  # tables that only a spec needs

        return cpu_fit.resolve(wish)

    def runs_on(self, needs: Needs, chip: str) -> bool:
        """Tell whether an image runs on a card: one for CPUs asks for none."""
        return True

    def as_built(self, needs: Needs, code: Code) -> Needs:
        """Return them as they are: torch asks for no card."""
        return needs

    def cards(self, text: str) -> tuple[CardUse, ...]:
        """Read what `use_command` printed."""
        return ()

    def find(self, ask: Ask, seen: Seen) -> Found:
        """Find nothing: a CPU is no card."""
        return Found(accelerator=self.name)

    def with_firmware(self, ask: Ask, cards: tuple[Card, ...]) -> tuple[Card, ...]:
        """Return them as they are."""
        return cards

    def discord(self, cards: tuple[Card, ...]) -> str:
        """Find nothing against it."""
        return ""

    def wire(self, cards: tuple[Card, ...], seen: Seen) -> Wiring:
        """Wire nothing; `--cpus` says how many."""
        return Wiring(accelerator=self.name)

    def inside(self, ask: Ask) -> tuple[str, ...] | None:
        """Look at nothing."""
        return ()

    def run_environment(self, shape: Shape) -> dict[str, str]:
        """Name the interface for gloo, which otherwise takes the one that the host's name belongs to."""
        return {"GLOO_SOCKET_IFNAME": shape.link} if shape.link else {}
