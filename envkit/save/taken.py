"""A container's files as an image, for a while, with its image's own configuration.

Whoever started the container may have given it secrets as variables. The engine's own commit writes them into
the image; this one has the variables, the command and the user of the image that the container was made of.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone

from envkit.container import maker
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, SAVE, ContainerFacts, ImageFacts
from envkit.errors import EngineError
from envkit.image.proving import UNVERIFIED
from envkit.save.archive import Recipe, spool, write_archive
from envkit.scratch import Scratch

_TRIES = 5  # one a second: for a container of the image that has just ended


@contextmanager
def taken(engine: Engine, container: ContainerFacts, name: str, made_by: str = "") -> Iterator[ImageFacts]:
    """Give an image of the container's files as they are now, under a name of its own; it goes in any case.

    `made_by` is what the image's history says of them. The container is paused by the engine meanwhile, and
    otherwise left alone.
    """
    key = secrets.token_hex(16)
    labels = {OWNED: "true", SAVE: key, "io.envkit.kind": "save", **maker.labels(maker.this_process())}
    copied = engine.images.commit(container.id, labels)
    try:
        said = made_by or f"a copy of the container {container.name}"
        made = _with_own_configuration(engine, copied, container.image, said)
        with named(engine, made, name) as called:
            found = engine.images.inspect(called)
            if found is None:
                raise EngineError(f"{called} was made and is gone", fix="run the command again")
            yield found
    finally:
        _remove(engine, copied)


@contextmanager
def named(engine: Engine, image: str, name: str) -> Iterator[str]:
    """Give an image of ours a name for a while; it goes with its last name. `envkit gc` knows such names."""
    short = image.removeprefix("sha256:")[:12]
    called = f"{UNVERIFIED}/{name}:{short}-{maker.word(maker.this_process())}"
    engine.images.tag(image, called)
    try:
        yield called
    finally:
        _remove(engine, called)


def _with_own_configuration(engine: Engine, copied: str, image: str, said: str) -> str:
    """Load the same layers again under the configuration of the container's image; return the new id."""
    facts = engine.images.inspect(copied)
    if facts is None:
        raise EngineError("the copy of the container is gone", fix="run the command again")
    config = dict(engine.images.config(image))
    *below, top = engine.images.history(copied)
    recipe = Recipe(
        architecture=facts.architecture,
        config={**config, "Labels": {**(config.get("Labels") or {}), OWNED: "true"}},
        created=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        below=facts.diff_ids,
        history=(*below, replace(top, created_by=said)),
    )
    with Scratch("adopt") as scratch:
        lower = None
        if not engine.facts().loads_on_top:
            lower = spool(engine.images.save(copied), scratch / "lower.tar", facts.size_bytes)
        identity = write_archive(scratch / "image.tar", recipe, (), lower)
        engine.images.load(scratch / "image.tar", lambda line: None)
    return identity


def _remove(engine: Engine, reference: str) -> None:
    """Take it away; the engine refuses while a container of it is still ending: then `envkit gc` does it."""
    for _ in range(_TRIES):
        with suppress(EngineError):
            engine.images.untag(reference)
            return
        time.sleep(1)
