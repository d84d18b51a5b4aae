"""Our images: what is there, where each comes from, what it proved, who uses it; and taking some away."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from envkit.engines.base import Engine
from envkit.engines.values import OWNED, OWNED_CONTAINER, ContainerFacts, ImageFacts
from envkit.environment import lookup
from envkit.errors import EnvkitError, UsageError
from envkit.image.for_now import is_for_now
from envkit.image.verdict import LABEL as VERDICT
from envkit.image.verdict import from_label
from envkit.plan.adopted import LABEL as ADOPTED
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
    # A line for each save, the newest first, then for an adoption; none for a built one.
    lineage: tuple[str, ...]
    used_by: tuple[str, ...]  # environments by name, other containers too


def stock(engine: Engine) -> tuple[Stocked, ...]:
    """Return our images, the newest first; steps in between, which nobody named, are `envkit gc`'s."""
    users = {image: tuple(sorted(map(_who, found))) for image, found in _users(engine).items()}
    found = (image for image in engine.images.list(_KIND) if _names(image))
    rows = (_row(image, users.get(image.id, ())) for image in found)
    return tuple(sorted(rows, key=lambda row: row.created, reverse=True))


def _names(image: ImageFacts) -> tuple[str, ...]:
    return tuple(tag for tag in image.tags if not is_for_now(tag))


def _row(image: ImageFacts, users: tuple[str, ...]) -> Stocked:
    return Stocked(
        id=image.id,
        names=_names(image),
        size_bytes=image.size_bytes,
        created=image.created,
        verdict=_verdict(image),
        lineage=(*lineage.in_words(lineage.of_labels(image.labels)), *_adopted(image)),
        used_by=users,
    )


def _adopted(image: ImageFacts) -> tuple[str, ...]:
    try:
        was = json.loads(image.labels.get(ADOPTED, "{}"))
        copied = f", as its container {was['container']} was" if was.get("container") else ""
        return (f"adopted from {was['from']}{copied}",) if was else ()
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()  # somebody else wrote it: it says nothing


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


def _removable(engine: Engine, name: str, users: dict[str, list[ContainerFacts]]) -> ImageFacts | None:
    facts = engine.images.inspect(name)
    if facts is None:
        raise UsageError(f"there is no image {name!r} here", fix="`envkit images` lists ours")
    if facts.labels.get(OWNED) != "true":
        raise EnvkitError(f"{name} is not envkit's: it is left alone", fix=f"docker rmi {name}")
    if facts.labels.get("io.envkit.kind") != _KIND["io.envkit.kind"]:
        raise EnvkitError(
            f"{name} is no environment's image but a base of such: it is left alone",
            fix=f"docker rmi {name}, when no build needs it",
        )
    if used := sorted(users.get(facts.id, ()), key=_who):
        raise EnvkitError(f"{name} is in use by {', '.join(map(_who, used))}", fix=_riddance(used[0]))
    return facts


def _users(engine: Engine) -> dict[str, list[ContainerFacts]]:
    """Return who uses which image, by its id: containers of others count, too."""
    users: dict[str, list[ContainerFacts]] = {}
    for container in engine.containers.find({}):
        users.setdefault(container.image, []).append(container)
    return users


def _who(container: ContainerFacts) -> str:
    kind, name = _kind_and_name(container)
    return f"{kind} {name}"


def _riddance(container: ContainerFacts) -> str:
    """Return what takes a container away."""
    kind, name = _kind_and_name(container)
    runs = container.state in ("running", "paused", "restarting")
    if kind == "environment":
        return f"`envkit rm {name}` first"
    if kind == "run":
        return f"`envkit stop {name}`, then `envkit gc`" if runs else "`envkit gc` first: the run has ended"
    return f"`docker stop {name}` and `docker rm {name}` first" if runs else f"`docker rm {name}` first"


def _kind_and_name(container: ContainerFacts) -> tuple[str, str]:
    labels = container.labels
    kind = labels.get("io.envkit.kind") if labels.get(OWNED_CONTAINER) == "true" else None
    if kind == "environment":
        return kind, lookup.name_of(container)
    return ("run", labels["io.envkit.run"]) if kind == "run" else ("container", container.name)
