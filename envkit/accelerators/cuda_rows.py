"""The tables of CUDA's lines: which torch has them, which driver and which GPUs they run on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from envkit import compat
from envkit.accelerators import torch_rows
from envkit.accelerators.fit import (
    AUTO,
    Candidate,
    Misfit,
    Needs,
    Refusal,
    Wish,
    below,
    minor,
    nearest,
    numbers,
)
from envkit.accelerators.needs import Code

_MAKER = re.compile(r"^((nvidia|tesla|geforce) *)+")
# Jetsons run what was built for them, others do not run that (torch/cuda/__init__.py, DEVICE_REQUIREMENT).
_JETSON = ("5.3", "6.2", "7.2", "8.7", "10.1", "11.0")


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build of torch."""

    torch: str
    line: str

    def __str__(self) -> str:
        return f"torch {self.torch} with CUDA {self.line}"


def chip_of(word: str) -> str:
    """Return the compute capability of a card as a spec names it; Misfit for one that is not known."""
    name = _MAKER.sub("", word.lower())
    plain = name.replace(" ", "")
    first = re.split(r"[ -]", name)[0]  # as nvidia-smi writes it: `A100-SXM4-80GB`, `H100 80GB HBM3`
    if re.fullmatch(r"[0-9]{1,2}\.[0-9]", plain):
        return plain
    chips = compat.table("cuda")["chips"]
    for chip, row in chips.items():
        if any(_names(card, plain) or _names(card, first) for card in row["cards"]):
            return str(chip)
    known = ", ".join(card for row in chips.values() for card in row["cards"])
    raise Misfit(
        key="target.chip",
        what=f"envkit knows no NVIDIA card {word!r}",
        fix=f"name its compute capability, as in `chip: 9.0`, or one of {known}",
    )


def _names(card: str, plain: str) -> bool:
    """Tell whether a word names a card; `rtx40` stands for all of its family."""
    return plain.startswith(card) if card.startswith("rtx") else plain == card


def runs_on(built: tuple[str, ...], chip: str) -> bool:
    """Tell whether code that was built for these runs on a GPU: the same major, no newer minor."""
    if chip in built:
        return True
    major, small = numbers(chip)
    return chip not in _JETSON and any(
        one not in _JETSON and numbers(one)[0] == major and numbers(one)[1] <= small for one in built
    )


def runs(needs: Needs, chip: str) -> bool:
    """Tell whether an image with these needs runs on a GPU; what is not known is not held against it."""
    known = needs.chips
    return not known or runs_on(known, chip) or (needs.newer_chips and _is_newer(known, chip))


def as_built(needs: Needs, code: Code) -> Needs:
    """Return needs with what torch says that it was built for."""
    line = code.build.removeprefix("cu")
    return replace(
        needs,
        chips=code.chips or needs.chips,
        newer_chips=code.newer_chips if code.chips else needs.newer_chips,
        paired=needs.paired or paired(f"{line[:-1]}.{line[-1:]}"),
    )


def _is_newer(built: tuple[str, ...], chip: str) -> bool:
    """Tell whether a GPU came after all that was built for: PTX is then translated by the driver."""
    return numbers(chip) > max(map(numbers, built))


def architectures(build: Build, machine: str) -> dict[str, Any] | None:
    """Return the row of a build's GPU architectures; None when they are not known."""
    for row in compat.table("cuda")["architectures"]:
        first, last = (numbers(bound) for bound in row["torch"])
        is_of = row["cuda"] == build.line and row["machine"] == machine
        if is_of and first <= numbers(minor(build.torch)) <= last:
            found: dict[str, Any] = row
            return found
    return None


def floor(line: str) -> str:
    """Return the driver that a line's major version needs at least; "" when that is not known."""
    return str(compat.table("cuda")["floors"].get(line.partition(".")[0], {}).get("driver", ""))


def paired(line: str) -> str:
    """Return the driver that a line came with; "" when that is not known."""
    return str(compat.table("cuda")["lines"].get(line, {}).get("driver", ""))


def refusal(build: Build, wish: Wish) -> Refusal | None:
    """Say why a build does not fit Python, machine, driver or GPU."""
    found = torch_rows.refusal(build.torch, wish)
    return found or _driver_refusal(build, wish) or _chip_refusal(build, wish)


def _driver_refusal(build: Build, wish: Wish) -> Refusal | None:
    least = floor(build.line)
    if not wish.target.driver or not least or not below(wish.target.driver, least):
        return None
    return Refusal(
        key=_blamed(wish, "target.driver"),
        what=f"CUDA {build.line} needs driver {least} or newer, the target has {wish.target.driver}",
    )


def _chip_refusal(build: Build, wish: Wish) -> Refusal | None:
    row = architectures(build, wish.target.machine)
    if not wish.target.chip or not row:
        return None
    chip = chip_of(wish.target.chip)
    built = tuple(row["chips"])
    if runs_on(built, chip):
        return None
    return Refusal(
        key=_blamed(wish, "target.chip"),
        what=f"{build} is built for {', '.join(built)}: not for the target's {chip}",
    )


def _blamed(wish: Wish, target: str) -> str:
    """Return the key at whose line a misfit with the target is told."""
    return "cuda" if wish.cuda else "torch" if wish.torch not in (None, AUTO) else target


def builds(wish: Wish) -> Iterator[Build]:
    """Yield the builds that a wish leaves open, the preferred first.

    The newest torch first; of one torch, lines that the driver was made for in the order of torch's makers,
    then those that it only bears, the lowest first; last, where a chip is wanted, those of unknown chips.
    """
    for torch in torch_rows.versions(wish):
        row = torch_rows.row_of(torch)
        lines = [wish.cuda] if wish.cuda else list(row["cuda"] if row else ())
        found = [Build(torch=torch, line=line) for line in lines if not row or line in row["cuda"]]
        yield from sorted(found, key=lambda build: _preference(build, wish))


def _preference(build: Build, wish: Wish) -> tuple[bool, tuple[int, ...]]:
    is_unsure = bool(wish.target.chip) and architectures(build, wish.target.machine) is None
    return is_unsure, numbers(build.line) if _is_below_paired(build.line, wish) else (0,)


def _is_below_paired(line: str, wish: Wish) -> bool:
    return bool(wish.target.driver) and below(wish.target.driver, paired(line))


def candidates(wish: Wish) -> Iterator[Candidate[Build]]:
    """Yield the builds that a wish leaves open, each with what speaks against it."""
    for build in builds(wish):
        row = torch_rows.row_of(build.torch)
        known = architectures(build, wish.target.machine)
        yield Candidate(
            row=build,
            value=str(build),
            source="; ".join(each["source"] for each in (row, known) if each) or "the spec",
            refusal=refusal(build, wish),
            note=_note(build, wish),
        )


def _note(build: Build, wish: Wish) -> str:
    least, target = floor(build.line), wish.target
    parts = [f"has Python {wish.python}"]
    if target.driver:
        parts.append(f"runs on driver {target.driver} (needs {least or 'an unknown one'})")
    elif least:
        parts.append(f"needs driver {least} or newer")
    if target.chip and architectures(build, target.machine):
        parts.append(f"has code for {chip_of(target.chip)}")
    return ", ".join(parts)


def good(wish: Wish, build: Build | None = None) -> list[str]:
    """Return the builds that fit Python and target, the nearest first: the same torch, then the same line."""
    free = Wish(python=wish.python, torch=AUTO, target=wish.target)
    own = wish.torch if wish.torch not in (None, AUTO) else ""
    other = [*builds(Wish(python=wish.python, torch=own, target=wish.target))] if own else []
    fitting = [one for one in (*other, *builds(free)) if refusal(one, free) is None]
    line = wish.cuda or (build.line if build else "")
    fitting.sort(key=lambda one: (one.torch != own, bool(line) and one.line != line))
    return [str(one) for one in fitting]


def fix(wish: Wish, build: Build | None, found: Refusal | None) -> str:
    """Return what to write instead of what does not fit."""
    if build and found and found.key == "python":
        return torch_rows.python_fix(build.torch, wish)
    rows = nearest(good(wish, build))
    if rows:
        return f"nearest that fit: {rows}"
    return "no build in envkit's tables fits this Python and target: change `python` or `target`"


def warnings(build: Build, wish: Wish) -> Iterator[str]:
    """Yield what is only loosely right with a build that is taken."""
    yield from torch_rows.unlisted(build.torch)
    if _is_below_paired(build.line, wish):
        source = compat.table("cuda")["floors"][build.line.partition(".")[0]]["source"]
        yield (
            f"driver {wish.target.driver} is older than {paired(build.line)}, with which CUDA {build.line} "
            f"came: what is compiled at run time (extensions, PTX) may fail ({source})"
        )
    row = architectures(build, wish.target.machine)
    if wish.target.chip and row is None:
        yield f"which GPUs {build} has code for on {wish.target.machine} is not in envkit's tables"
