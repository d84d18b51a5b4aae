"""Our images: what is there, where each comes from, what it proved, who uses it; and taking some away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from envkit.engines.base import Engine
from envkit.engines.values import OWNED, ContainerFacts, ImageFacts
from envkit.environment import lookup
from envkit.errors import EnvkitError, UsageError
from envkit.image.verdict import LABEL as VERDICT
from envkit.image.verdict import from_label
from envkit.save import lineage

_KIND = {OWNED: "true", "io.envkit.kind": "image"}


@dataclass(frozen=True, kw_only=True)
class Stocked:
    """One image of ours."""

    id: str
    names: tuple[str, ...]
    size_bytes: int
    created: str  # RFC 3339
    verdict: str  # passed | failed | none
    lineage: tuple[str, ...]  # a line for each save, the newest first; none for a built one
    used_by: tuple[str, ...]  # environments by name, other containers too


def stock(engine: Engine) -> tuple[Stocked, ...]:
    """Return our images, the newest first; steps in between, which have no name, are `envkit gc`'s."""
    users = _users(engine)
    found = (image for image in engine.images.list(_KIND) if image.tags)
    rows = (_row(image, users.get(image.id, ())) for image in found)
    return tuple(sorted(rows, key=lambda row: row.created, reverse=True))


def _row(image: ImageFacts, users: tuple[str, ...]) -> Stocked:
    return Stocked(
        id=image.id,
        names=image.tags,
        size_bytes=image.size_bytes,
        created=image.created,
        verdict=_verdict(image),
        lineage=lineage.in_words(lineage.of_labels(image.labels)),
        used_by=users,
    )


def _verdict(image: ImageFacts) -> str:
    label = image.labels.get(VERDICT)
    if label is None:
        return "none"
    try:
        return "passed" if from_label(label).passed else "failed"
    except ValueError:
        return "none"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A name that was taken away."""

    name: str
    image: str
    is_gone: bool  # False: the image has other names, or others are made from it


def remove(engine: Engine, names: tuple[str, ...], report: Callable[[Taken], None]) -> tuple[Taken, ...]:
    """Take names away, and images with their last; nothing happens when one is not ours, or in use."""
    users = _users(engine)
    wanted = [(name, facts) for name in dict.fromkeys(names) if (facts := _removable(engine, name, users))]
    taken = []
    for name, facts in wanted:
        by_name = "@" in name or {name, f"{name}:latest"} & set(facts.tags)
        for one in (name,) if by_name or not facts.tags else facts.tags:
            engine.images.untag(one)
            taken.append(Taken(name=one, image=facts.id, is_gone=engine.images.inspect(facts.id) is None))
            report(taken[-1])
    return tuple(taken)


def _removable(engine: Engine, name: str, users: dict[str, tuple[str, ...]]) -> ImageFacts | None:
    facts = engine.images.inspect(name)
    if facts is None:
        raise UsageError(f"there is no image {name!r} here", fix="`envkit images` lists ours")
    if facts.labels.get(OWNED) != "true":
        raise EnvkitError(f"{name} is not envkit's: it is left alone", fix=f"docker rmi {name}")
    if facts.labels.get("io.envkit.kind") != _KIND["io.envkit.kind"]:
        raise EnvkitError(
            f"{name} is no environment's image: envkit made it to build others from, and keeps it",
            fix=f"docker rmi {name}, when no build needs it",
        )
    if used := users.get(facts.id):
        first = used[0].removeprefix("environment ")
        rid = f"envkit rm {first}" if used[0].startswith("environment ") else f"docker rm {first}"
        raise EnvkitError(f"{name} is in use by {', '.join(used)}", fix=f"`{rid}` first")
    return facts


def _users(engine: Engine) -> dict[str, tuple[str, ...]]:
    """Return who uses which image, by its id: containers of others count, too."""
    users: dict[str, list[str]] = {}
    for container in engine.containers.find({}):
        users.setdefault(container.image, []).append(_who(container))
    return {image: tuple(sorted(names)) for image, names in users.items()}


def _who(container: ContainerFacts) -> str:
    is_environment = all(container.labels.get(key) == value for key, value in lookup.KIND.items())
    return f"environment {lookup.name_of(container)}" if is_environment else f"container {container.name}"
