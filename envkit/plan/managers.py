"""Packages of the distribution: what a spec asks of apt or dnf, and what our own programs need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envkit import compat
from envkit.accelerators.fit import AUTO, Misfit
from envkit.plan.bases import BaseKnowledge
from envkit.plan.facts import ContextFile
from envkit.spec.model import Spec

# For a fix: a package that both have under different names.
_EXAMPLE = {"apt": "g++", "dnf": "gcc-c++"}


def needs(manager: str) -> Mapping[str, Any]:
    """Return what our own programs need of a manager, by what they are for."""
    found: dict[str, Any] = compat.table("distributions")["managers"][manager]
    return found


def lines(spec: Spec, manager: str, python: tuple[str, ...], named: Mapping[str, ContextFile]) -> list[str]:
    """Return every package of the image: ours, the Python's, and those of the spec and its files."""
    asked = spec.apt if manager == "apt" else spec.dnf
    files = (named[path].content for path in asked.files)
    return sorted({*needs(manager)["image"], *python, *asked.packages, *_listed(files)})


def refuse_others(spec: Spec, base: BaseKnowledge) -> None:
    """Raise Misfit when the base has neither manager, or the spec asks for packages of the other one."""
    if base.manager is None:
        what = f"{base.distribution} installs packages neither with apt nor with dnf"
        raise Misfit(key="base", what=what, fix="use a base of Debian, Ubuntu or openEuler")
    other = "dnf" if base.manager == "apt" else "apt"
    asked = spec.dnf if other == "dnf" else spec.apt
    if not (asked.packages or asked.files):
        return
    theirs, ours = _EXAMPLE[other], _EXAMPLE[base.manager]
    fix = f"name them under `{base.manager}:`, where {theirs} is called {ours}"
    if spec.base == AUTO and spec.os is None:
        fix += ", or add `os: openeuler:24.03`"
    raise Misfit(
        key=other, what=f"{base.distribution} installs with {base.manager}, not with {other}", fix=fix
    )


def _listed(contents: Iterator[object]) -> Iterator[str]:
    for content in contents:
        assert isinstance(content, bytes)  # only wheels and archives are left on disk
        for line in content.decode().splitlines():
            word = line.partition("#")[0].strip()
            if word:
                yield word
