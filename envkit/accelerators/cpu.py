"""Plain CPUs."""

from __future__ import annotations

from envkit import compat
from envkit.accelerators.base import Seen, TorchChoice, TorchWish, Wiring
from envkit.accelerators.cards import CardUse
from envkit.accelerators.torch_rows import row_for
from envkit.errors import UsageError


class Cpu:
    """No card: torch's CPU build."""

    name = "cpu"
    looks_at: tuple[str, ...] = ()
    python_is_the_base_s = False
    build_bytes = 6 << 30
    use_command: tuple[str, ...] = ()

    def choose_torch(self, wish: TorchWish) -> TorchChoice:
        """Choose the CPU build: the plain one is gigabytes of CUDA."""
        row_for(wish)
        return TorchChoice(
            build="cpu",
            requirements=(f"torch=={wish.torch}+cpu",),
            reason="accelerator is cpu: the build without CUDA",
        )

    def default_base(self) -> str:
        """Return the base image that `auto` stands for."""
        base: str = compat.table("bases")["auto"]["cpu"]
        return base

    def cards(self, text: str) -> tuple[CardUse, ...]:
        """Read what `use_command` printed."""
        return ()

    def wire(self, ids: tuple[int, ...] | None, seen: Seen) -> Wiring:
        """Wire nothing; `--cpus` says how many."""
        if ids:
            raise UsageError(
                "a CPU has no number to choose it by", fix="--device cpu, and --cpus says how many"
            )
        return Wiring(accelerator=self.name)
