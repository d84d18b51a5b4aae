"""What envkit asks of an accelerator.

A new one is a file, a line in `__init__.py`, its templates, its presets and their golden files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class TorchWish:
    """What a spec says of torch."""

    torch: str
    torch_npu: str | None
    cuda: str | None
    python: str


@dataclass(frozen=True, kw_only=True)
class TorchChoice:
    """The torch that fits the accelerator."""

    build: str  # torch's own word for it: "cpu", "cu128"
    requirements: tuple[str, ...]  # exact, in PEP 508
    reason: str
    npu: str | None = None  # torch_npu's version


@dataclass(frozen=True, kw_only=True)
class Misfit(Exception):
    """What a spec asks for does not exist: which key, and what would do."""

    key: str
    what: str
    fix: str


class Accelerator(Protocol):
    """One kind of device."""

    name: str
    python_is_the_base_s: bool  # the base brings the Python whose packages must stay visible
    # What a build needs on the engine's disk: the plain recipe put 2.5 GB on its base (facts/ide.md), twice
    # for the builder's cache and the layers' export, and torch's CUDA builds unpack to about 6 GB.
    build_bytes: int

    def choose_torch(self, wish: TorchWish) -> TorchChoice:
        """Choose torch's build; raise Misfit when there is none."""

    def default_base(self) -> str:
        """Return the base image that `auto` stands for."""


def fits_python(version: str, lowest_and_highest: Sequence[str]) -> bool:
    """Tell whether `major.minor` lies in a range of two."""
    lowest, highest = (tuple(map(int, bound.split("."))) for bound in lowest_and_highest)
    return lowest <= tuple(map(int, version.split("."))) <= highest
