"""What a base image's name says is in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envkit import compat
from envkit.accelerators.fit import below


@dataclass(frozen=True, kw_only=True)
class BaseName:
    """What the name of a base tells; "": nothing of that."""

    distribution: str
    python: str = ""  # one that the image brings beside the distribution's
    cann: str = ""
    chip: str = ""
    cuda: str = ""


def read_name(reference: str) -> BaseName | None:
    """Return what a reference tells, None when it is none that the data knows."""
    name = reference.partition("@")[0]
    for row in compat.table("bases")["rows"]:
        found = re.fullmatch(row["pattern"], name)
        if found:
            told = found.groupdict(default="")
            return BaseName(
                distribution=f"{told['os']}:{told['version']}",
                **{key: told.get(key, "") for key in ("python", "cann", "chip", "cuda")},
            )
    return None


def usable() -> dict[str, dict[str, str]]:
    """Return the distributions that an image can be made of: their Python runs the IDE tools."""
    table = compat.table("distributions")
    least = table["tools_python"]["least"]
    return {name: row for name, row in table["rows"].items() if not below(row["python"], least)}


def distributions_with(python: str, distribution: str = "") -> tuple[str, ...]:
    """Return images that anybody has, of the distributions whose own Python it is; a named one alone.

    Those of dnf are taken only by name: packages have other names there.
    """
    if distribution:
        rows = compat.table("distributions")["rows"]
        meant = [rows[distribution]] if distribution in rows else []
    else:
        meant = [row for row in usable().values() if row["manager"] == "apt"]
    return tuple(row["image"] for row in meant if row["python"] == python)
