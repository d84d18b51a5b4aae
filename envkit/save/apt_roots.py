"""Which packages must be asked for so that a build without recommended ones brings all of them. Pure.

A user's apt takes recommended packages along, a build's does not; both choose the first of alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a package needs, and what it only recommends: names."""

    needed: frozenset[str] = frozenset()
    recommended: frozenset[str] = frozenset()


def needs_of(*, needed: str, recommended: str) -> Needs:
    """Read dpkg's fields: of alternatives only the first, for another may not be what a build chooses."""
    return Needs(needed=_firsts(needed), recommended=_firsts(recommended))


def roots(new: Iterable[str], asked: Iterable[str], known: Mapping[str, Needs]) -> tuple[str, ...]:
    """Return those of the new packages that must be asked for; `asked`: what the user asked for."""
    wanted = frozenset(new)
    found = {name for name in asked if name in wanted}
    covered = _closure(found, wanted, known)
    while rest := wanted - covered:
        found |= _next(rest, covered, known)
        covered = _closure(found, wanted, known)
    return tuple(sorted(found))


def _next(rest: frozenset[str], covered: frozenset[str], known: Mapping[str, Needs]) -> frozenset[str]:
    """Return what to ask for, too: what is recommended, else what nothing needs, else one of a ring."""
    recommended = frozenset(
        name for one in covered for name in known.get(one, Needs()).recommended if name in rest
    )
    among = recommended or rest
    needed = frozenset(
        name for one in among for name in _closure(known.get(one, Needs()).needed, rest, known) if name != one
    )
    return (among - needed) or frozenset({min(among)})


def _closure(start: Iterable[str], within: frozenset[str], known: Mapping[str, Needs]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [name for name in start if name in within]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [one for one in known.get(name, Needs()).needed if one in within]
    return frozenset(found)


def _firsts(field: str) -> frozenset[str]:
    names = (re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", part) for part in field.split(","))
    return frozenset(name[1] for name in names if name)
