"""What a base image's name says is in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envkit import compat


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


def distributions_with(python: str) -> tuple[str, ...]:
    """Return the distributions whose own Python it is, as images that anybody has."""
    rows = compat.table("distributions")["rows"]
    return tuple(name for name, row in rows.items() if row["python"] == python)
