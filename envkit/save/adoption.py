"""Adopt what has a name: an image, or a container, of which a copy is adopted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from envkit.engines.values import OWNED_CONTAINER, ContainerFacts
from envkit.errors import UsageError
from envkit.image import adopt as images
from envkit.image.adopt import Adopted, Place, Source
from envkit.image.planned import Planned
from envkit.save.taken import taken


def plan_adoption(reference: str, tag: str | None, place: Place) -> Planned:
    """Return the plan that `adopt` carries out. Of a container a copy is made to look into, and removed."""
    with _found(reference, place) as source:
        return images.plan_adoption(source, tag, place)


def adopt(reference: str, tag: str | None, place: Place) -> Adopted:
    """Put both IDEs onto an image, or a copy of a container; a failure leaves no tag, and it as it was."""
    with _found(reference, place) as source:
        return images.adopt(source, tag, place)


@contextmanager
def _found(reference: str, place: Place) -> Iterator[Source]:
    container = _container(reference, place)
    if container is None:
        yield images.find_image(reference, place)
        return
    image = place.engine.images.inspect(container.image)
    if image is not None:
        images.refuse_ours(image, f"the image of {container.name}")
    place.reports.note(f"copying the container {container.name}: it is paused meanwhile")
    for mount in container.mounts:
        place.reports.note(f"not in the copy: {mount.target}, which is mounted")
    name = re.sub(r"[^a-z0-9]+", "-", container.name.lower()).strip("-") or "container"
    with taken(place.engine, container, name) as copy:
        was = image.tags[0] if image and image.tags else container.image
        yield Source(image=copy, name=copy.tags[0], container=container.name, was=was)


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
