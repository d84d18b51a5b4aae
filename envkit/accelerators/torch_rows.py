"""The tables of torch's versions and wheels, asked the same way for every accelerator."""

from __future__ import annotations

from functools import cache
from typing import Any

from envkit import compat
from envkit.accelerators.fit import AUTO, Refusal, Wish, fits_python, minor, nearest, numbers


def row_of(version: str) -> dict[str, Any] | None:
    """Return the row of a version's minor version; None for one that the table does not know."""
    row: dict[str, Any] | None = compat.table("torch")["rows"].get(minor(version))
    return row


def wheel_of(version: str, project: str = "torch") -> dict[str, Any] | None:
    """Return what the package index had of an exact version; None for one that it had not."""
    row: dict[str, Any] | None = compat.table("wheels")[project].get(version)
    return row


def glibc_of(version: str, machine: str, project: str = "torch") -> str:
    """Return the glibc that a version's wheels ask for; "" when that is not known."""
    wheel = wheel_of(version, project)
    return str(wheel["glibc"].get(machine, "")) if wheel else ""


@cache
def newest() -> tuple[str, ...]:
    """Return the last patch of every minor version, the newest first."""
    found: dict[str, str] = {}
    for version in sorted(compat.table("wheels")["torch"], key=numbers, reverse=True):
        found.setdefault(minor(version), version)
    return tuple(version for short, version in found.items() if short in compat.table("torch")["rows"])


def versions(wish: Wish) -> tuple[str, ...]:
    """Return the versions that a wish leaves open."""
    if wish.torch is None:
        return ()
    return newest() if wish.torch == AUTO else (wish.torch,)


def refusal(version: str, wish: Wish) -> Refusal | None:
    """Say why a version does not fit Python or machine; one that no table knows is taken at its word."""
    row = row_of(version)
    if row and not fits_python(wish.python, row["python"]):
        return Refusal(key="python", what=f"torch {version} has no build for Python {wish.python}")
    wheel = wheel_of(version)
    if wheel and wish.target.machine not in wheel["glibc"]:
        return Refusal(key="target.machine", what=f"torch {version} has no wheel for {wish.target.machine}")
    return None


def python_fix(version: str, wish: Wish) -> str:
    """Return what to write when Python does not fit: other Pythons, or other torches."""
    row = row_of(version)
    good = [short for short, other in _rows().items() if fits_python(wish.python, other["python"])]
    pythons = f"use Python {row['python'][0]} to {row['python'][1]}" if row else "use another Python"
    return f"{pythons}, or torch {nearest(good, ', ')}" if good else pythons


def unlisted(version: str) -> tuple[str, ...]:
    """Warn of a version that the index did not have when it was last asked."""
    if wheel_of(version):
        return ()
    read = compat.table("wheels")["read"]
    return (f"torch {version} was not on the package index on {read}: if it is there now, all is well",)


def _rows() -> dict[str, Any]:
    rows: dict[str, Any] = compat.table("torch")["rows"]
    return rows
