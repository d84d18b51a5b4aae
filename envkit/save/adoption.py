"""Adopt what has a name: an image, or a container, of which a copy is adopted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from envkit.engines.values import OWNED_CONTAINER, ContainerFacts
from envkit.errors import UsageError
from envkit.image import adopt as images
from envkit.image.adopt import Adopted, Place, Source
from envkit.image.planned import Planned
from envkit.save.foreign import Foreign, copied
from envkit.save.taken import plain


def plan_adoption(reference: str, tag: str | None, place: Place, *, scrub: bool = False) -> Planned:
    """Return the plan that `adopt` carries out. Of a container a copy is made to look into, and removed."""
    with _found(reference, place, scrub=scrub) as source:
        return images.plan_adoption(source, tag, place)


def adopt(reference: str, tag: str | None, place: Place, *, scrub: bool = False) -> Adopted:
    """Put both IDEs onto an image, or a copy of a container; a failure leaves no tag, and it as it was.

    CommitRefused: what was changed in the container holds secrets, and `scrub` does not take them out.
    """
    with _found(reference, place, scrub=scrub) as source:
        return images.adopt(source, tag, place)


@contextmanager
def _found(reference: str, place: Place, *, scrub: bool) -> Iterator[Source]:
    container = _container(reference, place)
    if container is None:
        with _plain(images.find_image(reference, place), place) as source:
            yield source
        return
    image = place.engine.images.inspect(container.image)
    if image is not None:
        images.refuse_ours(image, f"the image of {container.name}")
        _tell(image.id, place)
    running = "; it is paused meanwhile" if container.state == "running" else ""
    place.reports.note(f"copying the container {container.name}{running}")
    for mount in container.mounts:
        place.reports.note(f"not in the copy: what lies in {mount.target}, which is mounted")
    foreign = Foreign(
        engine=place.engine,
        host=place.host,
        container=container,
        name=_word(container.name),
        scrub=scrub,
        note=place.reports.note,
    )
    with copied(foreign) as copy:
        was = image.tags[0] if image and image.tags else container.image
        yield Source(image=copy, name=copy.tags[0], container=container.name, was=was)


@contextmanager
def _plain(source: Source, place: Place) -> Iterator[Source]:
    """Give an image that a build can begin with: no instructions of its own that it would run, no volumes."""
    if not _tell(source.image.id, place):
        yield source
        return
    with plain(place.engine, source.image, _word(source.name)) as copy:
        yield replace(source, image=copy, name=copy.tags[0], was=source.name)


def _tell(image: str, place: Place) -> bool:
    """Say what of an image's settings does not stay; tell whether a build on it would go by some of them."""
    config, note = place.engine.images.config(image), place.reports.note
    for instruction in config.get("OnBuild") or ():
        note(f"not run, and not kept: ONBUILD {instruction}")
    for folder in config.get("Volumes") or ():
        note(f"no longer a volume: {folder}; what is written there stays in its container")
    if (config.get("Healthcheck") or {}).get("Test", ["NONE"]) != ["NONE"]:
        note("its HEALTHCHECK gives way to envkit's, which tells whether the IDEs work")
    return bool(config.get("OnBuild") or config.get("Volumes"))


def _word(name: str) -> str:
    """Return a name as part of an image's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "container"


def _container(reference: str, place: Place) -> ContainerFacts | None:
    """Return the container of that name, None when an image is meant; UsageError when it is envkit's."""
    found = place.engine.containers.inspect(reference)
    if found is None:
        return None
    if place.engine.images.inspect(reference) is not None:
        raise UsageError(
            f"{reference} is the name of an image and of a container",
            fix=f"say {reference}:latest for the image, {found.id[:12]} for the container",
        )
    if found.labels.get(OWNED_CONTAINER):
        name = found.labels.get("io.envkit.name", reference)
        raise UsageError(
            f"{reference} is envkit's: it has the IDEs",
            fix=f"`envkit commit {name} IMAGE:TAG` makes an image of it",
        )
    return found
