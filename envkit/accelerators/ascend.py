"""Huawei Ascend NPUs."""

from __future__ import annotations

from envkit import compat
from envkit.accelerators.base import Misfit, Seen, TorchChoice, TorchWish, Wiring, present, require_cards
from envkit.accelerators.cards import NPU_SMI, CardUse, of_npu_smi
from envkit.accelerators.torch_rows import row_for
from envkit.errors import AcceleratorError

# What a container needs of the host beside the cards themselves (facts A3.1).
_NODE = "/dev/davinci"
_MANAGER = "/dev/davinci_manager"
_SHARED = (_MANAGER, "/dev/devmm_svm", "/dev/hisi_hdc")
_DRIVER = "/usr/local/Ascend/driver/lib64"
_OPTIONAL = (
    "/usr/local/Ascend/driver/version.info",
    "/usr/local/dcmi",
    "/usr/local/bin/npu-smi",
    "/etc/ascend_install.info",
)


class Ascend:
    """Ascend NPUs: torch's CPU build with torch_npu of the same version, on a CANN base."""

    name = "ascend"
    looks_at: tuple[str, ...] = (f"{_NODE}*", *_SHARED, _DRIVER, *_OPTIONAL)
    # CANN's operator compiler runs in its image's own Python and needs that one's packages (facts A1.4).
    python_is_the_base_s = True
    build_bytes = 8 << 30
    use_command: tuple[str, ...] = NPU_SMI

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

    def cards(self, text: str) -> tuple[CardUse, ...]:
        """Read what `use_command` printed."""
        return of_npu_smi(text)

    def wire(self, ids: tuple[int, ...] | None, seen: Seen) -> Wiring:
        """Hand over the cards' nodes, the shared ones, and the host's driver: that works on every engine.

        The container counts its cards from 0 by itself: ASCEND_RT_VISIBLE_DEVICES stays unset (facts A3.4).
        """
        cards = require_cards(self.name, ids, present(seen, _NODE))
        missing = [path for path in (*_SHARED, _DRIVER) if path not in seen.paths]
        if missing:
            raise AcceleratorError(
                f"the host's Ascend driver is not whole: {', '.join(missing)} is missing",
                fix="install the driver (HDK) again; `npu-smi info` must work on the host",
            )
        return Wiring(
            accelerator=self.name,
            ids=cards,
            nodes=(*(f"{_NODE}{number}" for number in cards), *_SHARED),
            libraries=(_DRIVER, *(path for path in _OPTIONAL if path in seen.paths)),
            groups=(str(seen.paths[_MANAGER]),),  # the nodes are 0660 (facts A3.6)
            lacking=tuple(path for path in _OPTIONAL if path not in seen.paths),
        )
