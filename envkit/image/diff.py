"""Compare what two images hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envkit.image.manifest import GROUPS, Manifest


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that differs: `before` or `after` is None where it is not there."""

    group: str
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """All that differs between two images."""

    before: str
    after: str
    size_before: int
    size_after: int
    changes: tuple[Change, ...]


def compare(before: Manifest, after: Manifest) -> Difference:
    """Compare two manifests."""
    facts = ("base", "base_digest", "os", "architecture", "glibc", "glibc_floor")
    changes = _changes("image", {n: getattr(before, n) for n in facts}, {n: getattr(after, n) for n in facts})
    for group in (*GROUPS, "env"):
        changes += _changes(group, getattr(before, group), getattr(after, group))
    return Difference(
        before=before.image,
        after=after.image,
        size_before=before.size_bytes,
        size_after=after.size_bytes,
        changes=tuple(changes),
    )


def _changes(group: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    return [
        Change(group=group, name=name, before=before.get(name), after=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
