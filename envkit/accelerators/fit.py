"""What must fit together in an image, what was considered for it, and what was taken: values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Generic, TypeVar

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What an image is for; "": not said."""

    chip: str = ""
    driver: str = ""
    machine: str = "amd64"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a spec says of base, Python and torch; AUTO or None: decide."""

    base: str = AUTO
    os: str = ""  # the distribution, as in `openeuler:24.03`; "": decide
    python: str
    torch: str | None = None  # None: no torch
    torch_npu: str | None = None
    cuda: str | None = None
    target: Target = Target()


@dataclass(frozen=True, kw_only=True)
class TorchChoice:
    """The torch that fits."""

    version: str
    build: str  # torch's own word for it: "cpu", "cu128"
    requirements: tuple[str, ...]  # exact, in PEP 508
    reason: str
    npu: str | None = None  # torch_npu's version
    glibc: str = ""  # what its wheels ask for; "": not known


@dataclass(frozen=True, kw_only=True)
class Considered:
    """A row that was looked at for a decision."""

    decision: str
    value: str
    taken: bool
    why: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What an image needs of the machine that runs it; "" and (): nothing that is known."""

    accelerator: str
    machine: str
    driver: str = ""  # at least
    paired: str = ""  # the driver it was made with: below it, some of it does not work
    chips: tuple[str, ...] = ()
    newer_chips: bool = False  # it carries code that a driver can translate for later chips
    cann: str = ""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """Exact values for a wish, and how they were found."""

    base: str
    base_reason: str
    torch: TorchChoice | None
    needs: Needs
    chip: str = ""  # the target's, which torch itself must have code for; "": it must not
    considered: tuple[Considered, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Misfit(Exception):
    """What a spec asks for does not exist, or does not fit: which key, and what would do."""

    key: str
    what: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a row does not do, and the spec's key that says so."""

    key: str
    what: str


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Candidate(Generic[T]):
    """A row that may be taken."""

    row: T
    value: str
    source: str
    refusal: Refusal | None = None
    note: str = ""  # what speaks for it


def first_that_fits(
    decision: str, candidates: Iterable[Candidate[T]]
) -> tuple[Candidate[T] | None, tuple[Considered, ...]]:
    """Return the first that nothing speaks against, and all that were looked at until then."""
    looked = []
    for one in candidates:
        why = one.refusal.what if one.refusal else one.note or "the first that fits"
        why = why.removeprefix(f"{one.value} ")
        looked.append(
            Considered(
                decision=decision, value=one.value, taken=one.refusal is None, why=why, source=one.source
            )
        )
        if one.refusal is None:
            return one, tuple(looked)
    return None, tuple(looked)


def nearest(rows: Sequence[str], joined_by: str = ", or ") -> str:
    """Return the three nearest rows as a fix names them; "" when there is none."""
    return joined_by.join(dict.fromkeys(rows[:3]))


def fits_python(version: str, lowest_and_highest: Sequence[str]) -> bool:
    """Tell whether `major.minor` lies in a range of two."""
    lowest, highest = (numbers(bound) for bound in lowest_and_highest)
    return lowest <= numbers(version) <= highest


def minor(version: str) -> str:
    """Return `major.minor` of a version."""
    return ".".join(version.split(".")[:2])


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version as they compare: 3.9 is before 3.10, and 2.9.0 before 2.9.0.post2."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def below(version: str, floor: str) -> bool:
    """Tell whether a driver is older than another; what one of them leaves out is not held against it."""
    pairs = zip_longest(_parts(version), _parts(floor))
    for mine, other in pairs:
        if mine is None or other is None:
            return False
        if mine != other:
            return mine < other
    return False


def _parts(version: str) -> list[tuple[int, int]]:
    """Return a version's parts as they compare: a release candidate is before what follows it."""
    found = re.findall(r"(rc)?(\d+)", version.lower())
    return [(0 if candidate else 1, int(number)) for candidate, number in found]
