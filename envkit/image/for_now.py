"""Names for images that nobody has proven or named yet: one without a name could be anybody's to remove."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from envkit.container.maker import Maker, is_this_process, maker_of_word, this_process, word
from envkit.engines.base import Engine
from envkit.engines.values import short_id
from envkit.errors import EngineError

UNVERIFIED = "envkit-unverified"
_UNTAG_TRIES = 5  # one a second: for the container of a proof that has just ended


def name_for_now(name: str, what: str) -> str:
    """Return a name for an image that nobody has proven, or named, yet; `name` and `what` are words.

    It is this call's alone, and tells its process: `envkit gc` removes it when that was killed.
    """
    return f"{UNVERIFIED}/{name}:{what}-{word(this_process())}"


def is_for_now(name: str) -> bool:
    """Tell whether an image's name is one that `name_for_now` made."""
    return name.startswith(f"{UNVERIFIED}/")


def giver(name: str) -> Maker | None:
    """Return the process that gave a name for now; None where it does not tell."""
    return maker_of_word(name.rpartition("-")[2])


def forget_names(engine: Engine, image_id: str) -> None:
    """Take away the names for now that this process gave an image: with no other name it goes."""
    found = engine.images.inspect(image_id)
    for name in found.tags if found else ():
        if is_for_now(name) and is_this_process(giver(name)):
            untag(engine, name)


@contextmanager
def named_for_now(engine: Engine, image_id: str, name: str) -> Iterator[str]:
    """Give the image a name that a Dockerfile can start from; the name goes in any case."""
    named = name_for_now(name, short_id(image_id))
    engine.images.tag(image_id, named)
    try:
        yield named
    finally:
        untag(engine, named)


def untag(engine: Engine, name: str) -> None:
    """Take the name away; the engine refuses while a container runs the same image: then gc does it later."""
    for _ in range(_UNTAG_TRIES):
        try:
            engine.images.untag(name)
            return
        except EngineError:
            time.sleep(1)
