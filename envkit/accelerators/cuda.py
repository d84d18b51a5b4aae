"""NVIDIA GPUs."""

from __future__ import annotations

from envkit.accelerators import cuda_fit, cuda_rows, nvidia_smi
from envkit.accelerators.base import (
    Request,
    Seen,
    Wiring,
    present,
    require_cards,
)
from envkit.accelerators.cards import Ask, Card, CardUse, Found
from envkit.accelerators.fit import Needs, Resolved, Wish
from envkit.errors import AcceleratorError

_NODE = "/dev/nvidia"
_CONTROL = "/dev/nvidiactl"
_WSL = "/dev/dxg"  # Windows' own: there are no nodes of single cards (facts N3)
_CDI = "nvidia.com/gpu"


class Cuda:
    """NVIDIA GPUs: torch's wheels bring their own CUDA libraries, the base need not."""

    name = "cuda"
    looks_at: tuple[str, ...] = (f"{_NODE}*", _WSL)
    python_is_the_base_s = False
    base_has_variables = False
    build_bytes = 16 << 30
    use_command: tuple[str, ...] = nvidia_smi.USE

    def resolve(self, wish: Wish) -> Resolved:
        """Take a build whose CUDA the driver bears, and that has code for the GPU."""
        return cuda_fit.resolve(wish)

    def runs_on(self, needs: Needs, chip: str) -> bool:
        """Tell whether an image has code for a GPU, or code that its driver can translate."""
        return cuda_rows.runs(needs, chip)

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
        untold = tuple(Card(index=number, name="NVIDIA GPU", health=said) for number in beyond)
        return Found(
            accelerator=self.name,
            cards=tuple(sorted((*cards, *untold), key=lambda card: card.index)),
            looked=(said, f"{_NODE}*: {len(nodes)} nodes"),
        )

    def wire(self, ids: tuple[int, ...] | None, seen: Seen) -> Wiring:
        """Ask the engine for the cards by number: by CDI where it knows them so (facts R7)."""
        if _WSL in seen.paths:
            return Wiring(accelerator=self.name, ids=ids or (), request=_request(ids, seen))
        cards = require_cards(self.name, ids, present(seen, _NODE))
        if _CONTROL not in seen.paths:
            raise AcceleratorError(
                f"the driver's node {_CONTROL} is missing",
                fix="run `sudo nvidia-smi` once: it makes the nodes",
            )
        return Wiring(accelerator=self.name, ids=cards, request=_request(cards, seen))


def _request(ids: tuple[int, ...] | None, seen: Seen) -> Request:
    names = ("all",) if ids is None else tuple(map(str, ids))
    by_cdi = tuple(f"{_CDI}={name}" for name in names)
    known = set(by_cdi) <= set(seen.cdi)
    return Request(driver="cdi", ids=by_cdi) if known else Request(driver="", ids=names)
