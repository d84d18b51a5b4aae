"""A container's files as an image, for a while, with its image's own configuration.

Whoever started the container may have given it secrets as variables. The engine's own commit writes them into
the image; this one has the variables, the command and the user of the image that the container was made of.
What a build would run by itself (ONBUILD), and what no build can fill (VOLUME), is not in it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from envkit.container import maker
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, SAVE, ContainerFacts, ImageFacts, LayerFacts
from envkit.errors import EngineError
from envkit.image.for_now import name_for_now, untag
from envkit.save.archive import Recipe, spool, write_archive
from envkit.save.receiving import Layer
from envkit.scratch import Scratch

_LEFT_OUT = ("OnBuild", "Volumes")


@contextmanager
def taken(engine: Engine, container: ContainerFacts, name: str, made_by: str) -> Iterator[ImageFacts]:
    """Give an image of the container's files as they are now, under a name of its own; it goes in any case.

    `made_by` is what the image's history says of them. The container is paused by the engine meanwhile, and
    otherwise left alone.
    """
    with committed(engine, container) as copied, Scratch("adopt") as scratch:
        facts = require(engine, copied)
        *below, top = engine.images.history(copied)
        lower = Lower(image=facts, history=(*below, replace(top, created_by=made_by)), name=name)
        archive = write(engine, settings(engine, container.image), lower, scratch)
        with loaded(engine, archive) as made:
            yield made


@contextmanager
def committed(engine: Engine, container: ContainerFacts) -> Iterator[str]:
    """Give the engine's own image of a container, secrets and all, without a name; it goes in any case."""
    key = secrets.token_hex(16)
    labels = {OWNED: "true", SAVE: key, "io.envkit.kind": "save", **maker.labels(maker.this_process())}
    copied = engine.images.commit(container.id, labels)
    try:
        yield copied
    finally:
        untag(engine, copied)


@contextmanager
def plain(engine: Engine, image: ImageFacts, name: str) -> Iterator[ImageFacts]:
    """Give the same image without what a build would run by itself, and without volumes; it goes."""
    with Scratch("adopt") as scratch:
        lower = Lower(image=image, history=engine.images.history(image.id), name=name)
        archive = write(engine, settings(engine, image.id), lower, scratch)
        with loaded(engine, archive) as made:
            yield made


def settings(engine: Engine, image: str) -> dict[str, Any]:
    """Return an image's configuration, as one that is ours and that a build can begin with."""
    config = {key: value for key, value in engine.images.config(image).items() if key not in _LEFT_OUT}
    return {**config, "Labels": {**(config.get("Labels") or {}), OWNED: "true"}}


@dataclass(frozen=True, kw_only=True)
class Lower:
    """What a copy stands on: an image that the engine has, all its layers, and what made them."""

    image: ImageFacts
    history: tuple[LayerFacts, ...]
    name: str  # a word for what the copy is called


@contextmanager
def loaded(engine: Engine, archive: Path) -> Iterator[ImageFacts]:
    """Give the engine an image that `write` wrote; it goes in any case."""
    made = require(engine, engine.images.load(archive, lambda line: None))
    try:
        yield made
    finally:
        untag(engine, made.tags[0])


def write(
    engine: Engine, config: dict[str, Any], lower: Lower, scratch: Path, layers: Sequence[Layer] = ()
) -> Path:
    """Write an image of that configuration, with new layers or none on top; return its archive.

    It has its name, one for a while, as soon as it is loaded: a client that is killed then leaves it to
    `envkit gc`, which knows such names.
    """
    recipe = Recipe(
        architecture=lower.image.architecture,
        config=config,
        created=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        below=lower.image.diff_ids,
        history=lower.history,
        created_by="envkit adopt: a copy of a container",
        name=name_for_now(lower.name, "copy"),
    )
    below = None
    if not engine.facts().loads_on_top:
        below = spool(engine.images.save(lower.image.id), scratch / "lower.tar", lower.image.size_bytes)
    write_archive(scratch / "image.tar", recipe, layers, below)
    return scratch / "image.tar"


def require(engine: Engine, image: str) -> ImageFacts:
    """Return an image's facts; EngineError when somebody else removed it."""
    found = engine.images.inspect(image)
    if found is None:
        raise EngineError(f"the image {image[:19]} is gone", fix="run the command again")
    return found
