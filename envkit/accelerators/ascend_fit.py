"""From a wish to torch_npu's exact release and its CANN image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from envkit import compat
from envkit.accelerators import cann_images, npu_rows, torch_rows
from envkit.accelerators.cann_images import Image
from envkit.accelerators.fit import (
    AUTO,
    Candidate,
    Considered,
    Misfit,
    Needs,
    Refusal,
    Resolved,
    TorchChoice,
    Wish,
    below,
    first_that_fits,
    nearest,
    numbers,
)
from envkit.accelerators.npu_rows import Match, Release


@dataclass(frozen=True, kw_only=True)
class _Pair:
    release: Release
    image: Image

    @property
    def match(self) -> Match:
        return npu_rows.match(self.release, self.image.cann)

    def __str__(self) -> str:
        return f"torch_npu {self.release.npu} with CANN {self.image.cann or 'unknown'}"


def resolve(wish: Wish) -> Resolved:
    """Decide the image and torch_npu together; Misfit when nothing fits."""
    if wish.target.chip:
        npu_rows.chip_of(wish.target.chip)
    _refuse_other_torch(wish)
    images = cann_images.fitting(wish)
    pair, looked = _pair(wish, images) if wish.torch else (None, ())
    image = pair.image if pair else images[0]
    return Resolved(
        base=image.reference,
        base_reason=_base_reason(wish, image),
        torch=_choice(pair, wish) if pair else None,
        needs=_needs(image, wish),
        considered=(*cann_images.looked_at(wish, image), *looked),
        warnings=tuple(_warnings(wish, image, pair)),
    )


def _refuse_other_torch(wish: Wish) -> None:
    if not wish.torch_npu or wish.torch in (None, AUTO):
        return
    meant = wish.torch_npu.partition(".post")[0]
    if meant != wish.torch:
        own = [one.npu for one in npu_rows.releases() if one.torch == wish.torch]
        raise Misfit(
            key="torch_npu",
            what=f"torch_npu {wish.torch_npu} is made for torch {meant}, not for {wish.torch}",
            fix=f"use torch {meant}" + "".join(f", or torch_npu {npu}" for npu in own[:1]),
        )


def _pair(wish: Wish, images: list[Image]) -> tuple[_Pair, tuple[Considered, ...]]:
    """Return the best pair: made for each other, then the newest torch and CANN."""
    open_to = list(npu_rows.wanted(wish))
    pairs = [_Pair(release=release, image=image) for release in open_to for image in images]
    pairs.sort(key=lambda pair: pair.match)
    found, looked = first_that_fits("torch_npu", (_weighed(pair, wish) for pair in pairs))
    if found:
        return found.row, looked
    raise _misfit(pairs[0], wish)


def _weighed(pair: _Pair, wish: Wish) -> Candidate[_Pair]:
    notes = {
        Match.MADE: "made for each other",
        Match.LOOSE: "loosely compatible by its makers' release notes",
        Match.UNKNOWN: "no table says whether the two fit",
        Match.NO: "",
    }
    loose = pair.match is Match.LOOSE
    return Candidate(
        row=pair,
        value=f"torch_npu {pair.release.npu} on {pair.image.reference}",
        source=npu_rows.line_source(pair.release) if loose else pair.release.source,
        refusal=_pair_refusal(pair, wish),
        note=notes[pair.match],
    )


def _pair_refusal(pair: _Pair, wish: Wish) -> Refusal | None:
    refused = npu_rows.refusal(pair.release, wish)
    if refused or pair.match is not Match.NO:
        return refused
    key = "torch_npu" if wish.torch_npu else "torch" if wish.torch != AUTO else "base"
    what = f"torch_npu {pair.release.npu} is made for CANN {pair.release.cann}, not for {pair.image.cann}"
    return Refusal(key=key, what=what)


def _misfit(pair: _Pair, wish: Wish) -> Misfit:
    refused = _pair_refusal(pair, wish) or Refusal(key="torch_npu", what="")
    if refused.key == "python":
        return Misfit(key="python", what=refused.what, fix=npu_rows.python_fix(pair.release, wish))
    rows = nearest(_nearest_pairs(pair, wish))
    return Misfit(
        key=refused.key, what=refused.what, fix=f"nearest that fit: {rows}" if rows else "another base"
    )


def _nearest_pairs(pair: _Pair, wish: Wish) -> list[str]:
    """Return pairs that are made for each other: one for the same torch and CANN each, then more."""
    fitting = [one for one in npu_rows.releases() if npu_rows.refusal(one, wish) is None]
    found = [_Pair(release=one, image=Image(reference="", cann=one.cann)) for one in fitting]
    on_this = [
        _Pair(release=one, image=pair.image)
        for one in fitting
        if npu_rows.match(one, pair.image.cann) is Match.MADE
    ]
    torch = pair.release.torch
    same = [one for one in found if one.release.torch == torch]
    same.sort(key=lambda one: one.release.npu != pair.release.npu)
    on_this.sort(key=lambda one: (one.release.torch != torch, _distance(one.release.torch, torch)))
    return [str(one) for one in (*same[:1], *on_this[:1], *same[1:], *on_this[1:])]


def _distance(one: str, other: str) -> int:
    return abs(numbers(one)[1] - numbers(other)[1])


def _choice(pair: _Pair, wish: Wish) -> TorchChoice:
    release = pair.release
    reason = "accelerator is ascend: torch's CPU build, and torch_npu of the same version"
    if not wish.torch_npu:
        reason += f"; {release.npu} goes with CANN {pair.image.cann}" if pair.image.cann else ""
    return TorchChoice(
        version=release.torch,
        # torch's plain build has CUDA in it, which torch_npu refuses (facts A1.3).
        build="cpu",
        # torch_npu 2.12.0's metadata names neither numpy nor pyyaml, which it imports (facts A1.3).
        requirements=(f"torch=={release.torch}+cpu", f"torch-npu=={release.npu}", "numpy", "pyyaml"),
        reason=reason,
        npu=release.npu,
        glibc=_glibc(release, wish.target.machine),
    )


def _glibc(release: Release, machine: str) -> str:
    asked = [
        torch_rows.glibc_of(release.npu, machine, "torch-npu"),
        torch_rows.glibc_of(release.torch, machine),
    ]
    return max((one for one in asked if one), key=numbers, default="")


def _base_reason(wish: Wish, image: Image) -> str:
    if wish.base != AUTO:
        return "the spec names it"
    chip = f"chip {image.chip}" if wish.target.chip else f"chip {image.chip} (no target is named)"
    return f"`auto`: CANN {image.cann} for {chip} with Python {image.python}"


def _needs(image: Image, wish: Wish) -> Needs:
    least, paired = npu_rows.driver_of(image.cann)
    return Needs(
        accelerator="ascend",
        machine=wish.target.machine,
        driver=least,
        paired=paired,
        chips=(image.chip,) if image.chip else (),
        cann=image.cann,
    )


def _warnings(wish: Wish, image: Image, pair: _Pair | None) -> Iterable[str]:
    if wish.base == AUTO and not wish.target.chip:
        yield f"no target is named: the base is for chip {image.chip}; `target: {{chip: …}}` says which card"
    paired = npu_rows.driver_of(image.cann)[1]
    if wish.target.driver and paired and below(wish.target.driver, paired):
        source = compat.table("cann")["versions"][image.cann]["source"]
        made_with = f"{paired}, which CANN {image.cann} came with"
        yield f"driver {wish.target.driver} is older than {made_with} ({source})"
    if wish.target.driver and not any(npu_rows.driver_of(image.cann)):
        yield f"which driver {image.reference} needs is not in envkit's tables"
    if pair:
        yield from _pair_warnings(pair)


def _pair_warnings(pair: _Pair) -> Iterator[str]:
    release, cann = pair.release, pair.image.cann
    if pair.match is Match.LOOSE:
        yield (
            f"torch_npu {release.npu} is made for CANN {release.cann}; its makers call its line "
            f"({release.line}) compatible with {cann} ({npu_rows.line_source(release)})"
        )
    if pair.match is Match.UNKNOWN:
        why = "the base's name does not tell its CANN" if not cann else "no table names a CANN for it"
        if cann and release.cann:
            why = f"CANN {cann} is newer than envkit's tables"
        base = pair.image.reference
        yield f"whether torch_npu {release.npu} fits the CANN of {base} was not checked: {why}"
