"""What a platform needs of an image and its name: looked at before a push, so that no hour is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from envkit import compat
from envkit.engines.values import ImageFacts, LayerFacts
from envkit.errors import UsageError
from envkit.image.verdict import Verdict

_GIGA = 1e9
_ADOPT = "`envkit adopt` adds the IDEs to an image and proves them, `envkit build` makes one with them"


@dataclass(frozen=True, kw_only=True)
class Need:
    """One thing a platform needs, and whether the image has it."""

    what: str
    is_met: bool
    reason: str
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An image on its way to a platform."""

    facts: ImageFacts
    steps: tuple[LayerFacts, ...]
    verdict: Verdict | None
    repository: str  # its name in the registry, without registry and tag


def with_largest_layer(size_bytes: int) -> tuple[str, ...]:
    """Return the platforms that take no layer larger than this."""
    return tuple(name for name, row in _table().items() if row["largest_layer_bytes"] <= size_bytes)


def names() -> tuple[str, ...]:
    """Return the platforms that are known."""
    return tuple(_table())


def needs(platform: str, image: Candidate) -> tuple[Need, ...]:
    """Return what the platform needs, each with whether it is met."""
    row = _row(platform)
    found = []
    if row["needs_namespace"]:
        found.append(_namespace(image.repository))
    if row["needs_ides"]:
        found.append(_ides(image.verdict))
        found.append(_any_uid(image))
    if most := row["largest_layer_bytes"]:
        found.append(_layers(image.steps, int(most)))
    return tuple(found)


def next_steps(platform: str, reference: str, repository: str) -> tuple[str, ...]:
    """Return what is left to do after the push."""
    return tuple(
        str(text).format(reference=reference, repository=repository) for text in _row(platform)["next"]
    )


def _namespace(repository: str) -> Need:
    parts = repository.count("/")
    return Need(
        what="a namespace in its name",
        is_met=parts >= 1,
        reason=repository,
        fix=""
        if parts
        else "make a namespace in the registry's console, and push to REGISTRY/NAMESPACE/NAME:TAG",
    )


def _ides(verdict: Verdict | None) -> Need:
    passed = verdict is not None and verdict.passed
    return Need(
        what="JupyterLab and VS Code inside, proven",
        is_met=passed,
        reason="its verdict says so" if passed else "it carries no verdict that passed",
        fix="" if passed else _ADOPT,
    )


def _any_uid(image: Candidate) -> Need:
    if image.verdict is None:
        return Need(what="a run as any uid", is_met=False, reason="nothing was tried", fix=_ADOPT)
    tried = {item.identity for item in image.verdict.items}
    other = sorted(identity for identity in tried if identity and identity != image.facts.user)
    return Need(
        what="a run as any uid",
        is_met=bool(other),
        reason=f"tried as {', '.join(other)}" if other else "it was tried as its own user only",
        fix="" if other else "build it with envkit: its verdict tries an unknown uid",
    )


def _layers(steps: tuple[LayerFacts, ...], most: int) -> Need:
    largest = max((step.size_bytes for step in steps), default=0)
    return Need(
        what=f"no layer above {most / _GIGA:.0f} GB",
        is_met=largest <= most,
        reason=f"the largest has {largest / _GIGA:.1f} GB",
        fix="" if largest <= most else "`envkit commit` splits large layers; or build it in more steps",
    )


def _row(platform: str) -> dict[str, Any]:
    row: dict[str, Any] | None = _table().get(platform)
    if row is None:
        raise UsageError(f"no platform {platform!r} is known", fix=f"one of: {', '.join(names())}")
    return row


def _table() -> dict[str, Any]:
    table: dict[str, Any] = compat.table("platforms")["platforms"]
    return table
