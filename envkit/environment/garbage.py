"""What nothing owns any more: found by its label and its maker, shown, then removed; never an environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from envkit.container.maker import Maker, condition, maker_of
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, OWNED_CONTAINER, SAVE, ContainerFacts, ImageFacts, short_id
from envkit.environment import card_lease, save_lease
from envkit.environment.left_folders import left_folders, remove_folder
from envkit.environment.lookup import name_of
from envkit.errors import EnvkitError
from envkit.hosts.base import Host
from envkit.image.for_now import giver, is_for_now
from envkit.image.lent_name import Taken, give_back, keeps, lent_by, taken

# Where a maker cannot be asked (another machine, an older envkit), age decides: a verification takes two
# minutes, and the longest build step is cancelled after 20 minutes of silence (BuildRequest.silence_s).
_LEASE = timedelta(hours=1)
# The last step of an image that envkit made: of one that a user derived from it, it is another.
_OURS = re.compile(r"(/bin/sh -c #\(nop\) +)?(LABEL .*io\.envkit\.|COPY .* (in )?/opt/envkit/)|envkit commit")
Kind = Literal[
    "temporary", "half-made", "image", "build's name", "taken name", "folder", "cache", "card", "run", "save"
]


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """One thing that nothing owns."""

    kind: Kind
    name: str
    id: str
    why: str
    size_bytes: int | None = None
    taken: Taken | None = None  # the image of a "taken name" gets it back


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What came of it."""

    removed: tuple[Leftover, ...]
    kept: tuple[tuple[Leftover, str], ...]  # with the reason


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where is looked: an engine, its machine, and the folder behind /work/cache."""

    engine: Engine
    host: Host
    cache: str


def leftovers(place: Place, now: datetime) -> tuple[Leftover, ...]:
    """Return what nothing owns: containers first, since an image is free only without them."""
    folders = (
        Leftover(kind=kind, name=path, id=path, why=why)
        for kind, path, why in left_folders(place.engine, place.host, place.cache)
    )
    return (*_in_engine(place.engine, now), *folders)


def _in_engine(engine: Engine, now: datetime) -> tuple[Leftover, ...]:
    everything = sorted(engine.containers.find({}), key=name_of)
    containers = tuple(_containers(everything, now))
    going = {one.id for one in containers}
    used = {facts.image for facts in everything if facts.id not in going}
    images = engine.images.list({})
    return (*containers, *_taken(images, now), *_images(engine, images, now, used))


def sweep(place: Place, found: tuple[Leftover, ...], report: Callable[[str], None]) -> Swept:
    """Remove it; what is in use by now, or gone, stays or is gone. One failure does not keep the others."""
    removed: list[Leftover] = []
    kept: list[tuple[Leftover, str]] = []
    for one in found:
        try:
            _remove(place, one)
        except EnvkitError as error:
            kept.append((one, error.what))
            report(f"{one.name} stays: {error.what}")
            continue
        removed.append(one)
        report(f"{one.name} is {'given back' if one.taken else 'removed'}")
    return Swept(removed=tuple(removed), kept=tuple(kept))


def _remove(place: Place, one: Leftover) -> None:
    if one.kind == "folder" or one.kind == "cache":
        remove_folder(place.host, one.kind, one.id)
    elif one.kind == "temporary":
        place.engine.containers.remove(one.id)
    elif one.kind == "save":
        lease = place.engine.containers.inspect(one.id)
        if lease is not None:
            save_lease.forget(place.engine, lease)
    elif one.kind in ("half-made", "card", "run"):
        place.engine.containers.remove_idle(one.id)  # whoever has started it meanwhile keeps it
    elif one.taken:
        give_back(place.engine, one.taken)
    else:
        place.engine.images.untag(one.id)


def _containers(everything: list[ContainerFacts], now: datetime) -> Iterator[Leftover]:
    for facts in everything:
        kind = _kind(facts)
        why = kind and _ownerless(maker_of(facts.labels), facts.created, now)
        if kind == "card":
            why = _unleased(facts, everything, why)
        if kind and why:
            name = name_of(facts) if kind == "half-made" else facts.name
            yield Leftover(kind=kind, name=name, id=facts.id, why=why)


def _kind(facts: ContainerFacts) -> Kind | None:
    if facts.labels.get(OWNED_CONTAINER) != "true":
        return None
    if facts.labels.get("io.envkit.kind") == "temporary":
        return "temporary"
    if facts.labels.get("io.envkit.kind") in ("environment", "run") and facts.state == "created":
        return "half-made"
    kind = facts.labels.get("io.envkit.kind")
    return "card" if kind == card_lease.KIND else "save" if kind == save_lease.KIND else None


def _unleased(lease: ContainerFacts, everything: list[ContainerFacts], why: str | None) -> str | None:
    """Return why a card's lease holds nothing: its maker is done with it when the environment runs."""
    owner = next((facts for facts in everything if facts.id == card_lease.owner_id(lease)), None)
    if owner and owner.state in card_lease.ACTIVE:
        return None
    return card_lease.stale(lease, owner) or why


def _ownerless(maker: Maker | None, created: str, now: datetime) -> str | None:
    """Return why nobody owns it; None when somebody does, or may."""
    about = condition(maker)
    if about == "gone":
        return f"made by {maker}, who has ended"
    age = now - (_moment(created) or now)
    if about == "alive" or age < _LEASE:
        return None
    who = f"made by {maker}, on a machine that cannot be asked, " if maker else "made "
    return f"{who}{age // timedelta(hours=1)} h ago"


def _taken(images: tuple[ImageFacts, ...], now: datetime) -> Iterator[Leftover]:
    """Yield the names that killed pushes took from others' images, which are to have them back."""
    for one in taken(images):
        why = _ownerless(giver(one.mark), "", now)
        if why:
            what = f"a push took it from {short_id(one.owner)}, which gets it back, {why}"
            yield Leftover(kind="taken name", name=one.reference, id=one.mark, why=what, taken=one)


def _images(
    engine: Engine, images: tuple[ImageFacts, ...], now: datetime, used: set[str]
) -> Iterator[Leftover]:
    for facts in images:
        if facts.labels.get(OWNED) != "true":
            continue
        names = [tag for tag in facts.tags if is_for_now(tag) and not keeps(tag)]
        for name in names:
            why = _ownerless(giver(name), facts.created, now)
            lent = lent_by(name, facts.tags)
            for left in (lent, name) if why and lent else (name,) if why else ():
                what = "a push's" if lent else "a build's"
                yield Leftover(kind="build's name", name=left, id=left, why=f"{what} name for a while, {why}")
        if not facts.tags and facts.id not in used:
            why = _unnamed(engine, facts, now)
            short = short_id(facts.id)
            if why:
                yield Leftover(kind="image", name=short, id=facts.id, why=why, size_bytes=facts.size_bytes)


def _unnamed(engine: Engine, facts: ImageFacts, now: datetime) -> str | None:
    """Return why an image without a name is nobody's; None when it may be somebody's."""
    if SAVE in facts.labels:  # the step in between of `envkit commit`: its labels tell who was at it
        why = _ownerless(maker_of(facts.labels), facts.created, now)
        return why and f"a save that was not finished, {why}"
    return "it has no name, and no container uses it" if _is_ours_and_old(engine, facts, now) else None


def _is_ours_and_old(engine: Engine, facts: ImageFacts, now: datetime) -> bool:
    """Tell whether envkit made it, and not for a build that is still at it."""
    if now - (_moment(facts.created) or now) < _LEASE:
        return False
    steps = engine.images.history(facts.id)
    return bool(steps and _OURS.match(steps[-1].created_by))


def _moment(told: str) -> datetime | None:
    """Return what an engine writes (`2026-01-01T12:00:00.123456789Z`), to the second, or None."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", told)
    if found is None:
        return None
    return datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00")).astimezone(timezone.utc)
