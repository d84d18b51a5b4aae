"""Which cards an environment gets: what was asked, what the image is for, what the machine has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen, Wiring
from envkit.errors import AcceleratorError, UsageError

AUTO = "auto"
_CPU = "cpu"
_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")


@dataclass(frozen=True, kw_only=True)
class DeviceWish:
    """What `--device` asks for; `ids` None: all that there are."""

    accelerator: str = AUTO
    ids: tuple[int, ...] | None = None


def parse_device(text: str) -> DeviceWish:
    """Read `auto`, `cpu`, `cuda`, `cuda:0,2-3`; UsageError for anything else."""
    name, colon, numbers = text.partition(":")
    known = name in ACCELERATORS or (name == AUTO and not colon)
    ranges = [_RANGE.fullmatch(part) for part in numbers.split(",")] if colon else []
    ids: set[int] = set()
    for found in ranges:
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            known = False
        ids.update(range(first, last + 1))
    if not known:
        raise UsageError(
            f"--device {text!r} is no device",
            fix=f"auto, {', '.join(ACCELERATORS)}, or cards by number, as in cuda:0,1 or ascend:0-3",
        )
    return DeviceWish(accelerator=name, ids=tuple(sorted(ids)) or None)


def meant(wish: DeviceWish, image_is_for: str) -> str:
    """Return the accelerator that is meant; AcceleratorError when the image is not made for it."""
    wanted = image_is_for if wish.accelerator == AUTO else wish.accelerator
    if wanted in (image_is_for, _CPU):
        return wanted
    raise AcceleratorError(
        f"the image is made for {image_is_for}, not for {wanted}",
        fix=f"--device {image_is_for}, or an image for {wanted}: `envkit build preset:{wanted}`",
    )


def decide(wish: DeviceWish, image_is_for: str, seen: Seen) -> Wiring:
    """Decide how the cards get in; AcceleratorError when they cannot."""
    return ACCELERATORS[meant(wish, image_is_for)].wire(wish.ids, seen)
