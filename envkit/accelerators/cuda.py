"""NVIDIA GPUs."""

from __future__ import annotations

from envkit import compat
from envkit.accelerators.base import (
    Misfit,
    Request,
    Seen,
    TorchChoice,
    TorchWish,
    Wiring,
    present,
    require_cards,
)
from envkit.accelerators.cards import NVIDIA_SMI, CardUse, of_nvidia_smi
from envkit.accelerators.torch_rows import row_for
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
    build_bytes = 16 << 30
    use_command: tuple[str, ...] = NVIDIA_SMI

    def choose_torch(self, wish: TorchWish) -> TorchChoice:
        """Choose the build of the wanted CUDA line, or of the line that torch's makers put first."""
        row = row_for(wish)
        line = wish.cuda or (row["cuda"][0] if row else None)
        if line is None:
            raise Misfit(
                key="torch",
                what=f"torch {wish.torch} is not in envkit's table of CUDA builds",
                fix='name the CUDA line, as in `cuda: "12.8"`',
            )
        if row and line not in row["cuda"]:
            raise Misfit(
                key="cuda",
                what=f"torch {wish.torch} has no build for CUDA {line}",
                fix=f"use {', '.join(sorted(row['cuda']))}",
            )
        build = "cu" + line.replace(".", "")
        asked = "the spec asks for it" if wish.cuda else f"the first CUDA line of torch {wish.torch}"
        return TorchChoice(build=build, requirements=(f"torch=={wish.torch}+{build}",), reason=asked)

    def default_base(self) -> str:
        """Return the base image that `auto` stands for."""
        base: str = compat.table("bases")["auto"]["cuda"]
        return base

    def cards(self, text: str) -> tuple[CardUse, ...]:
        """Read what `use_command` printed."""
        return of_nvidia_smi(text)

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
