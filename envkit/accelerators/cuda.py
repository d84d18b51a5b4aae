"""NVIDIA GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.accelerators import nvidia_smi
from envkit.accelerators.base import (
    Request,
    Seen,
    Shape,
    Wiring,
    present,
)
from envkit.accelerators.cards import OK, Ask, Card, CardUse, Found
from envkit.errors import AcceleratorError

if TYPE_CHECKING:
    from envkit.accelerators.fit import Needs, Resolved, Wish
    from envkit.accelerators.needs import Code

_NODE = "/dev/nvidia"
_CONTROL = "/dev/nvidiactl"
_WSL = "/dev/dxg"  # Windows' own: there are no nodes of single cards (facts N3)
_CDI = "nvidia.com/gpu"


class Cuda:
    """NVIDIA GPUs: torch's wheels bring their own CUDA libraries, the base need not."""

    name = "cuda"
    torch_device = "cuda"
    looks_at: tuple[str, ...] = (f"{_NODE}*", _WSL)
    python_is_the_base_s = False
    base_has_variables = False
    build_bytes = 16 << 30
    use_command: tuple[str, ...] = nvidia_smi.USE
    sharing = ""

    def resolve(self, wish: Wish) -> Resolved:
        """Take a build whose CUDA the driver bears, and that has code for the GPU."""
        from envkit.accelerators import cuda_fit  # tables that only a spec needs

        return cuda_fit.resolve(wish)

    def runs_on(self, needs: Needs, chip: str) -> bool:
        """Tell whether an image has code for a GPU, or code that its driver can translate."""
        from envkit.accelerators import cuda_rows

        return cuda_rows.runs(needs, chip)

    def as_built(self, needs: Needs, code: Code) -> Needs:
        """Take the GPUs that torch has code for, and of a CUDA that no table told the driver it came with."""
        from envkit.accelerators import cuda_rows

        return cuda_rows.as_built(needs, code)

    def cards(self, text: str) -> tuple[CardUse, ...]:
        """Read what `use_command` printed."""
        return nvidia_smi.of_use(text)

    def find(self, ask: Ask, seen: Seen) -> Found:
        """Ask nvidia-smi; a node that it does not tell is a card that cannot be used."""
        cards, said = nvidia_smi.find(ask)
        nodes = present(seen, _NODE)
        # nvidia-smi counts by bus address, nodes are numbered otherwise: only how many there are is the same.
        wholes = [card.index for card in cards if card.part_of is None]
        beyond = [number for number in range(len(nodes)) if number not in wholes] if nodes else []
        health = OK if said == nvidia_smi.ABSENT else said
        untold = tuple(Card(index=number, name="NVIDIA GPU", health=health) for number in beyond)
        return Found(
            accelerator=self.name,
            cards=tuple(sorted((*cards, *untold), key=lambda card: card.index)),
            looked=(said, f"{_NODE}*: {len(nodes)} nodes"),
        )

    def with_firmware(self, ask: Ask, cards: tuple[Card, ...]) -> tuple[Card, ...]:
        """Ask nvidia-smi for each card's own BIOS."""
        return nvidia_smi.with_firmware(ask, cards)

    def discord(self, cards: tuple[Card, ...]) -> str:
        """Refuse several parts: a process sees one of them, and NCCL none of the others (facts N2.2)."""
        parts = [card for card in cards if card.part_of is not None]
        return "a process sees one MIG part only" if parts and len(cards) > 1 else ""

    def wire(self, cards: tuple[Card, ...], seen: Seen) -> Wiring:
        """Ask the engine for the cards by UUID: by CDI where it knows them so (facts R7)."""
        if _WSL not in seen.paths and _CONTROL not in seen.paths:
            raise AcceleratorError(
                f"the driver's node {_CONTROL} is missing",
                fix="run `sudo nvidia-smi` once: it makes the nodes",
            )
        # Windows' driver gives all or none (facts N3).
        names = ("all",) if _WSL in seen.paths else tuple(card.uuid or str(card.index) for card in cards)
        return Wiring(
            accelerator=self.name,
            ids=tuple(card.index for card in cards),
            keys=tuple(card.key for card in cards),
            request=_request(names, cards, seen),
        )

    def inside(self, ask: Ask) -> tuple[str, ...] | None:
        """Ask nvidia-smi in there; a MIG part is listed by `-L` alone."""
        told = ask(nvidia_smi.LIST)
        if told is None or told.code in (126, 127):
            return None
        if told.code:
            raise AcceleratorError(
                f"the container got its cards, and nvidia-smi in it fails: {told.words}",
                fix="`envkit doctor` looks at driver and toolkit",
            )
        return nvidia_smi.uuids(told.stdout)

    def run_environment(self, shape: Shape) -> dict[str, str]:
        """Name the interface between nodes: NCCL's `=` is the exact name (facts N2.3), gloo knows no other.

        A rank that waits for a dead one is ended by torch itself: TORCH_NCCL_ASYNC_ERROR_HANDLING is on.
        """
        if not shape.link:
            return {}
        return {"NCCL_SOCKET_IFNAME": f"={shape.link}", "GLOO_SOCKET_IFNAME": shape.link}


def _request(names: tuple[str, ...], cards: tuple[Card, ...], seen: Seen) -> Request:
    """Choose CDI where the engine knows the cards so, by UUID or by number."""
    numbers = tuple(str(card.index) for card in cards if card.part_of is None)
    for wanted in (names, numbers):
        by_cdi = tuple(f"{_CDI}={name}" for name in wanted)
        if len(by_cdi) == len(names) and set(by_cdi) <= set(seen.cdi):
            return Request(driver="cdi", ids=by_cdi)
    return Request(driver="", ids=names)
