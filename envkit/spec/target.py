"""What an image is for, as a spec says it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from envkit.spec.fields import Chip, DriverVersion
from envkit.spec.part import Part


class Target(Part):
    """What the image is for: not the machine that builds it."""

    text_key: ClassVar[str] = "chip"

    chip: Chip | None = Field(
        default=None, description="the card: an NVIDIA one by name or compute capability, an Ascend chip"
    )
    driver: DriverVersion | None = Field(default=None, description="the driver on the machines that run it")
    machine: Literal["amd64", "arm64"] | None = Field(
        default=None, description="their processors; left out: those of the machine that builds"
    )
