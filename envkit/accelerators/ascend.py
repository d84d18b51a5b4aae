"""Huawei Ascend NPUs."""

from __future__ import annotations

from envkit import compat
from envkit.accelerators.base import Misfit, TorchChoice, TorchWish
from envkit.accelerators.torch_rows import row_for


class Ascend:
    """Ascend NPUs: torch's CPU build with torch_npu of the same version, on a CANN base."""

    name = "ascend"
    # CANN's operator compiler runs in its image's own Python and needs that one's packages (facts A1.4).
    python_is_the_base_s = True
    build_bytes = 8 << 30

    def choose_torch(self, wish: TorchWish) -> TorchChoice:
        """Choose the CPU build: torch's plain build has CUDA in it, which torch_npu refuses (facts A1.3)."""
        row_for(wish)
        npu = wish.torch_npu or wish.torch
        if npu.partition(".post")[0] != wish.torch:
            raise Misfit(
                key="torch_npu",
                what=f"torch_npu {npu} is made for torch {npu.partition('.post')[0]}, not for {wish.torch}",
                fix=f"use torch {npu.partition('.post')[0]}, or a torch_npu {wish.torch}",
            )
        return TorchChoice(
            build="cpu",
            # torch_npu 2.12.0's metadata names neither numpy nor pyyaml, which it imports (facts A1.3).
            requirements=(f"torch=={wish.torch}+cpu", f"torch-npu=={npu}", "numpy", "pyyaml"),
            reason="accelerator is ascend: torch's CPU build, and torch_npu of the same version",
            npu=npu,
        )

    def default_base(self) -> str:
        """Return the base image that `auto` stands for."""
        base: str = compat.table("bases")["auto"]["ascend"]
        return base
