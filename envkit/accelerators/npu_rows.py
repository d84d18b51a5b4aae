"""The tables of torch_npu and CANN: which release is made for which, and how well another goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from envkit import compat
from envkit.accelerators import npu_smi, torch_rows
from envkit.accelerators.fit import AUTO, Misfit, Refusal, Wish, below, fits_python, minor, nearest, numbers


class Match(IntEnum):
    """How a torch_npu and a CANN go together, the best first."""

    MADE = 0  # made for each other, or for another patch of the same CANN
    LOOSE = 1  # their makers call the two lines compatible
    UNKNOWN = 2  # no table says
    NO = 3


_EITHER = "ascend910"


@dataclass(frozen=True, kw_only=True)
class Release:
    """An exact torch_npu; `cann` "": its makers' table does not name one."""

    npu: str
    torch: str
    line: str = ""
    cann: str = ""
    source: str = ""


def releases() -> tuple[Release, ...]:
    """Return the releases that their makers' table names, the newest torch first."""
    rows = [
        Release(
            npu=row["torch_npu"],
            torch=row["torch"],
            line=row["line"],
            cann=row["cann"],
            source=row["source"],
        )
        for row in compat.table("torch_npu")["rows"]
    ]
    return tuple(sorted(rows, key=lambda one: (numbers(one.torch), numbers(one.npu)), reverse=True))


def release_of(npu: str, key: str = "torch_npu") -> Release:
    """Return a release, in the table or not; Misfit for one that the index should have and has not."""
    for one in releases():
        if one.npu == npu:
            return one
    torch = npu.partition(".post")[0]
    wheels = compat.table("wheels")["torch-npu"]
    if npu not in wheels and numbers(torch) <= max(map(numbers, wheels)):
        same = [one for one in wheels if one.partition(".post")[0] == torch]
        same = same or [one for one in wheels if minor(one) == minor(torch)] or list(wheels)
        names = [one.partition(".post")[0] for one in same] if key == "torch" else same
        raise Misfit(
            key=key,
            what=f"there is no torch_npu {npu}",
            fix=f"use {key} {nearest(list(dict.fromkeys(names)))}",
        )
    return Release(npu=npu, torch=torch, source=f"the package index, read {compat.table('wheels')['read']}")


def match(release: Release, cann: str) -> Match:
    """Tell how well a release and a CANN go together."""
    if not release.cann or not cann or _is_newer(cann):
        return Match.UNKNOWN
    if release.cann == cann:
        return Match.MADE
    line = _line(release).get("cann", ())
    if minor(cann) not in line and cann not in line:
        return Match.NO
    is_patch = minor(cann) == minor(release.cann) and "rc" not in cann and "beta" not in cann
    return Match.MADE if is_patch else Match.LOOSE


def _is_newer(cann: str) -> bool:
    """Tell whether a CANN came after the newest that the tables know."""
    known = compat.table("cann")["versions"]
    return minor(cann) not in map(minor, known) and numbers(minor(cann)) > max(map(numbers, known))


def line_source(release: Release) -> str:
    """Return who says what else a release line goes with."""
    return str(_line(release).get("source", release.source))


def _line(release: Release) -> dict[str, Any]:
    """Return the row of its line: that of a release candidate alone, where there is one."""
    lines = compat.table("torch_npu")["lines"]
    found: dict[str, Any] = lines.get(release.line) or lines.get(minor(release.line), {})
    return found


def refusal(release: Release, wish: Wish) -> Refusal | None:
    """Say why a release does not fit Python or machine."""
    row = compat.table("torch_npu")["python"].get(minor(release.torch))
    wheel = torch_rows.wheel_of(release.npu, "torch-npu")
    out_of_range = row and not fits_python(wish.python, row["range"])
    if out_of_range or (wheel and wish.python not in wheel["python"]):
        return Refusal(key="python", what=f"torch_npu {release.npu} has no build for Python {wish.python}")
    if wheel and wish.target.machine not in wheel["glibc"]:
        return Refusal(
            key="target.machine", what=f"torch_npu {release.npu} has no wheel for {wish.target.machine}"
        )
    return torch_rows.refusal(release.torch, wish)


def python_fix(release: Release, wish: Wish) -> str:
    """Return what to write when Python does not fit."""
    row = compat.table("torch_npu")["python"].get(minor(release.torch))
    wheel = torch_rows.wheel_of(release.npu, "torch-npu")
    pythons = [
        python
        for python in (wheel["python"] if wheel else ())
        if not row or fits_python(python, row["range"])
    ]
    others = [one.npu for one in releases() if refusal(one, wish) is None]
    fix = f"use Python {', '.join(pythons)}" if pythons else "use another Python"
    return f"{fix}, or torch_npu {nearest(others, ', ')}" if others else fix


def wanted(wish: Wish) -> Iterator[Release]:
    """Yield the releases that a wish leaves open, the newest first."""
    if wish.torch_npu:
        yield release_of(wish.torch_npu)
        return
    open_to = [one for one in releases() if wish.torch in (AUTO, one.torch)]
    yield from open_to
    if not open_to and wish.torch:
        yield release_of(wish.torch, key="torch")


def chip_of(word: str) -> str:
    """Return CANN's word for a chip as a spec names it; Misfit for one that is not known."""
    plain = word.lower().replace(" ", "").removeprefix("ascend")
    chips = compat.table("cann")["chips"]
    told = npu_smi.chip_word(word.strip())
    for chip, row in chips.items():
        if word.lower() != _EITHER and (plain == chip or plain in row["cards"]):
            return str(chip)
    if word.lower() == _EITHER:
        what = "npu-smi calls an Atlas A3 Ascend910, and the first generation's name begins so"
        raise Misfit(key="target.chip", what=what, fix="say which: `chip: a3`, or `chip: 910`")
    if told in chips:
        return told
    raise Misfit(
        key="target.chip",
        what=f"envkit knows no Ascend chip {word!r}",
        fix="use " + ", ".join(f"{chip} ({row['about']})" for chip, row in chips.items()),
    )


def driver_of(cann: str) -> tuple[str, str]:
    """Return the driver that a CANN needs at least, and the one it is paired with; "": not known."""
    row: dict[str, Any] = compat.table("cann")["versions"].get(cann, {})
    return str(row.get("driver") or ""), str(row.get("paired") or "")


def driver_refusal(cann: str, wish: Wish, key: str = "target.driver") -> Refusal | None:
    """Say why a CANN does not run on the target's driver."""
    least = driver_of(cann)[0]
    if wish.target.driver and least and below(wish.target.driver, least):
        what = f"CANN {cann} needs driver {least} or newer, the target has {wish.target.driver}"
        return Refusal(key=key, what=what)
    return None
