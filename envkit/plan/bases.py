"""Which distribution a base is, and which Pythons it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envkit import compat
from envkit.accelerators.base_names import read_name, usable
from envkit.plan.facts import BaseFacts, BuildFacts


@dataclass(frozen=True, kw_only=True)
class BaseKnowledge:
    """What planning needs of a base."""

    distribution: str  # "debian:12"
    system_python: str  # its packages' python3, "3.11"
    own_python: str | None  # a Python that the image brings beside it, "3.11"
    reason: str
    glibc: str = ""  # "": not known
    manager: Literal["apt", "dnf"] | None = "apt"  # of its packages; None: neither


def know(reference: str, stated: str | None, facts: BaseFacts | None) -> BaseKnowledge | None:
    """Tell what a base is: from looking into it, the spec's `os` or its name; None when nothing tells."""
    by_name = _by_name(reference)
    own_python = by_name.own_python if by_name else None
    if facts is not None:
        candidate = facts.system_python or facts.system_python_candidate or _python_of(facts.distribution)
        if candidate is None:
            return None
        return BaseKnowledge(
            distribution=facts.distribution,
            system_python=candidate,
            own_python=own_python,
            reason="read from the image",
            glibc=facts.glibc,
            manager=facts.package_manager,
        )
    if stated is not None:
        python = _python_of(stated)
        if python is None:
            return None
        return BaseKnowledge(
            distribution=stated,
            system_python=python,
            own_python=own_python,
            reason="the spec's `os`",
            glibc=_glibc_of(stated),
            manager=_manager_of(stated),
        )
    return by_name


def known_distributions() -> tuple[str, ...]:
    """Return the distributions that an image can be made of."""
    return tuple(usable())


def image_of(distribution: str) -> str:
    """Return the image that anybody has of a distribution; of one that the data lacks, its own name."""
    row = compat.table("distributions")["rows"].get(distribution)
    return str(row["image"]) if row else distribution


def name_here(reference: str, facts: BuildFacts) -> str:
    """Return what the engine calls a base."""
    if not facts.is_foreign or reference in facts.foreign_bases:
        return reference
    return image_for(reference, facts.architecture)


def image_for(reference: str, architecture: str) -> str:
    """Return what the engine calls a base for other machines: under its own name it has that for its own."""
    name, _, digest = reference.partition("@")
    last = name.rpartition("/")[2]
    tag = digest.replace(":", "-") or last.partition(":")[2] or "latest"
    path = name[: len(name) - len(last)].replace(":", "-") + last.partition(":")[0]
    return f"envkit-{architecture}/{path}:{tag}"


def _manager_of(distribution: str) -> Literal["apt", "dnf"]:
    found: Literal["apt", "dnf"] = compat.table("distributions")["rows"][distribution]["manager"]
    return found


def _python_of(distribution: str) -> str | None:
    row = compat.table("distributions")["rows"].get(distribution)
    return row["python"] if row else None


def _glibc_of(distribution: str) -> str:
    row = compat.table("distributions")["rows"].get(distribution)
    return str(row["glibc"]) if row else ""


def _by_name(reference: str) -> BaseKnowledge | None:
    name = read_name(reference)
    python = _python_of(name.distribution) if name else None
    if name is None or python is None:
        return None
    return BaseKnowledge(
        distribution=name.distribution,
        system_python=python,
        own_python=name.python or None,
        reason="the image's name says so",
        glibc=_glibc_of(name.distribution),
        manager=_manager_of(name.distribution),
    )
