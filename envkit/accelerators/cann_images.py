"""CANN's images: which of them fit a chip, a Python and a driver."""

from __future__ import annotations

from dataclasses import dataclass, replace

from envkit import compat
from envkit.accelerators import npu_rows
from envkit.accelerators.base_names import read_name
from envkit.accelerators.fit import (
    AUTO,
    Considered,
    Misfit,
    Refusal,
    Wish,
    nearest,
    numbers,
)

# The commonest in training (Atlas A2), for a spec that names no target.
_CHIP = "910b"


@dataclass(frozen=True, kw_only=True)
class Image:
    """A CANN image; "": its name does not tell."""

    reference: str
    cann: str = ""
    chip: str = ""
    python: str = ""
    distribution: str = ""
    source: str = "the spec"


def fitting(wish: Wish) -> list[Image]:
    """Return the images that fit chip, Python and driver: the spec's own, or the table's, newest first."""
    if wish.base != AUTO:
        return [_own_image(wish)]
    found = [image for image in _listed() if refusal(image, wish) is None]
    if not found:
        raise _no_image(wish)
    return found


def looked_at(wish: Wish, taken: Image) -> tuple[Considered, ...]:
    """Return what was considered until this one was taken: other chips' images in one row."""
    if wish.base != AUTO:
        return ()
    rows = []
    others = []
    for image in _listed():
        refused = refusal(image, wish)
        if refused and refused.key == "target.chip":
            others.append(image)
            continue
        why = refused.what if refused else f"fits, but no wanted torch_npu is made for CANN {image.cann}"
        if image == taken:
            why = f"for chip {image.chip}, Python {image.python}"
        rows.append(_considered(image.reference, why, image.source, taken=image == taken))
        if image == taken:
            break
    chips = ", ".join(dict.fromkeys(image.chip for image in others))
    if others:
        what = f"{len(others)} images for other chips"
        rows.insert(
            0, _considered(what, f"made for {chips}, not for {taken.chip}", others[0].source, taken=False)
        )
    return tuple(rows)


def _considered(value: str, why: str, source: str, *, taken: bool) -> Considered:
    return Considered(decision="base", value=value, taken=taken, why=why, source=source)


def _listed() -> list[Image]:
    return [
        Image(
            reference=row["image"],
            cann=row["cann"],
            chip=row["chip"],
            python=row["python"],
            distribution=row["os"],
            source=row["source"],
        )
        for row in compat.table("cann")["images"]
    ]


def refusal(image: Image, wish: Wish) -> Refusal | None:
    """Say why an image does not fit chip, Python or driver, or cannot be built on."""
    chip = npu_rows.chip_of(wish.target.chip or _CHIP)
    if image.chip != chip:
        return Refusal(key="target.chip", what=f"is made for {image.chip}, not for {chip}")
    if image.python != wish.python:
        return Refusal(key="python", what=f"has Python {image.python}, not {wish.python}")
    if wish.os not in ("", image.distribution):
        return Refusal(key="os", what=f"is of {image.distribution}, not of {wish.os}")
    if not wish.os and compat.table("distributions")["rows"][image.distribution]["manager"] != "apt":
        return Refusal(
            key="os", what=f"is taken with `os: {image.distribution}`: its packages have other names"
        )
    return npu_rows.driver_refusal(image.cann, wish)


def _own_image(wish: Wish) -> Image:
    """Return the image that the spec names; Misfit when its name says that it does not fit the target."""
    name = read_name(wish.base)
    if name is None or not name.cann:
        return Image(reference=wish.base)
    image = Image(
        reference=wish.base,
        cann=name.cann,
        chip=name.chip,
        python=name.python,
        distribution=name.distribution,
    )
    chip = npu_rows.chip_of(wish.target.chip) if wish.target.chip else ""
    if chip and image.chip != chip:
        raise Misfit(
            key="base",
            what=f"the base is made for chip {image.chip}, the target is {chip}",
            fix=f"use {nearest(_like(image, wish)) or 'another base'}",
        )
    refused = npu_rows.driver_refusal(image.cann, wish, key="base")
    if refused:
        raise Misfit(
            key="base", what=refused.what, fix=f"use {nearest(_like(image, wish)) or 'a newer driver'}"
        )
    return image


def _like(image: Image, wish: Wish) -> list[str]:
    """Return the table's images for the target: of the same CANN and Python first."""
    found = [one for one in _listed() if _fits_but_python(one, wish)]
    found.sort(key=lambda one: (one.cann != image.cann, one.python != wish.python))
    return [one.reference for one in found]


def _fits_but_python(image: Image, wish: Wish) -> bool:
    return refusal(image, replace(wish, python=image.python)) is None


def _no_image(wish: Wish) -> Misfit:
    chip = npu_rows.chip_of(wish.target.chip or _CHIP)
    usable = [
        one
        for one in _listed()
        if _fits_but_python(one, replace(wish, target=replace(wish.target, driver="")))
    ]
    usable = [one for one in usable if one.chip == chip]
    pythons = sorted({one.python for one in usable}, key=numbers)
    what = f"no CANN image in envkit's table is for chip {chip} with Python {wish.python}"
    if wish.os:
        what = what.replace(" is for ", f" of {wish.os} is for ")
    if wish.os and not usable:
        good = dict.fromkeys(one.distribution for one in _listed() if one.chip == chip)
        return Misfit(key="os", what=what, fix=f"use {', '.join(good)}")
    if wish.python not in pythons:
        fix = f"use Python {', '.join(pythons)}" if pythons else "name a base of your own"
        return Misfit(key="python" if pythons else "target.chip", what=what, fix=fix)
    least = min((npu_rows.driver_of(one.cann)[0] for one in usable if one.python == wish.python), key=numbers)
    return Misfit(
        key="target.driver",
        what=f"{what} and driver {wish.target.driver}",
        fix=f"install driver {least} or newer, or use Python {', '.join(pythons)}",
    )
