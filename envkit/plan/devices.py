"""`--device`: how it is written, and which image takes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen, Wiring
from envkit.errors import AcceleratorError, UsageError
from envkit.plan.card_choice import Wanted, choose

AUTO = "auto"
CPU = "cpu"
_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")
_UUID = re.compile(r"(?:GPU|MIG)-[0-9A-Za-z/-]+")
_COUNT = re.compile(r"[1-9]\d{0,2}")


@dataclass(frozen=True, kw_only=True)
class DeviceWish:
    """What `--device` asks for; no ids, no UUIDs and no count: all that there are."""

    accelerator: str = AUTO
    ids: tuple[int, ...] | None = None
    uuids: tuple[str, ...] = ()
    count: int | None = None


def parse_device(text: str) -> DeviceWish:
    """Read `auto`, `cpu`, `4`, `cuda`, `cuda:0,2-3`, `cuda:GPU-uuid`; UsageError for anything else."""
    if _COUNT.fullmatch(text):
        return DeviceWish(count=int(text))
    name, colon, numbers = text.partition(":")
    known = (name in ACCELERATORS and not (colon and name == CPU)) or (name == AUTO and not colon)
    words = numbers.split(",") if colon else []
    uuids = tuple(word for word in words if _UUID.fullmatch(word))
    ids: set[int] = set()
    for found in (_RANGE.fullmatch(word) for word in words if word not in uuids):
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            known = False
        ids.update(range(first, last + 1))
    if not known:
        raise UsageError(
            f"--device {text!r} is no device",
            fix=f"auto, {', '.join(ACCELERATORS)}; cards by number or UUID, as in cuda:0,1, ascend:0-3 or "
            "cuda:GPU-…; or 4 for any four",
        )
    return DeviceWish(accelerator=name, ids=tuple(sorted(ids)) or None, uuids=uuids)


def settled(wish: DeviceWish | None, kept: DeviceWish) -> DeviceWish:
    """Return what an environment has, where the wish does not say which; otherwise the wish."""
    if wish is None or wish == DeviceWish():
        return kept
    has = len(kept.ids or ()) + len(kept.uuids)
    return kept if wish.count is not None and wish.count == has else wish


def meant(wish: DeviceWish, image_is_for: str) -> str:
    """Return the accelerator that is meant; AcceleratorError when the image is not made for it."""
    wanted = image_is_for if wish.accelerator == AUTO else wish.accelerator
    if wanted == CPU and wish.count is not None:
        raise AcceleratorError(
            f"the image is made for {image_is_for}: it has no use for {wish.count} cards",
            fix="leave --device out; --cpus says how many CPUs",
        )
    if wanted in (image_is_for, CPU):
        return wanted
    raise AcceleratorError(
        f"the image is made for {image_is_for}, not for {wanted}",
        fix=f"--device {image_is_for}, or an image for {wanted}: `envkit build preset:{wanted}`",
    )


def decide(wish: DeviceWish, image_is_for: str, seen: Seen, *, share: bool = False) -> Wiring:
    """Decide which cards, and how they get in; AcceleratorError, with each card's reason."""
    kind = meant(wish, image_is_for)
    if kind == CPU:
        return Wiring(accelerator=CPU)
    wanted = Wanted(
        kind=kind,
        ids=wish.ids or (),
        uuids=wish.uuids,
        count=wish.count,
        free_ones=wish == DeviceWish(),
        share=share or seen.runs,
        runs=seen.runs,
    )
    return ACCELERATORS[kind].wire(choose(wanted, seen), seen)
