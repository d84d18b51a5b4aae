"""NVIDIA GPUs."""

from __future__ import annotations

from envkit import compat
from envkit.accelerators.base import Misfit, TorchChoice, TorchWish
from envkit.accelerators.torch_rows import row_for


class Cuda:
    """NVIDIA GPUs: torch's wheels bring their own CUDA libraries, the base need not."""

    name = "cuda"
    python_is_the_base_s = False
    build_bytes = 16 << 30

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
