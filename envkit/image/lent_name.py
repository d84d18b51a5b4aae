"""The name that a push gives an image for a while: the engine pushes by name. Nobody may keep it by accident.

Beside it the image has a second one, which tells whose the first is: of a push that was killed, the next one
and `envkit gc` take both away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from envkit.container.maker import condition, maker_of_word
from envkit.engines.base import Engine
from envkit.engines.values import ImageFacts
from envkit.image.proving import UNVERIFIED, name_for_now

_PUSH = f"{UNVERIFIED}/push:"


@contextmanager
def called(engine: Engine, facts: ImageFacts, reference: str) -> Iterator[None]:
    """Give the image that name for as long as it is pushed."""
    before = engine.images.inspect(reference)
    if before is not None and before.id == facts.id:
        dead = [mark for mark in facts.tags if lent_by(mark, facts.tags) == reference and _is_dead(mark)]
        yield
        for left in (reference, *dead) if dead else ():  # the image has another: `find` knew it by that
            engine.images.untag(left)
        return
    marks = [] if before is not None or not facts.tags else [name_for_now("push", _word(reference))]
    with ExitStack() as back:  # one by one, also when one of them fails: the engine's disk may be full
        for name in (*marks, reference):
            if before is not None:
                back.callback(engine.images.tag, before.id, reference)
            elif facts.tags:  # an image that had no name keeps this one: it would go with it
                back.callback(engine.images.untag, name)
            engine.images.tag(facts.id, name)
        yield


def lent_by(mark: str, names: tuple[str, ...]) -> str:
    """Return which of an image's names a push gave it that left this mark; "" for none, or no mark."""
    word = mark.removeprefix(_PUSH).partition("-")[0] if mark.startswith(_PUSH) else ""
    return next((name for name in names if word and _word(name) == word), "")


def _word(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()[:16]


def _is_dead(mark: str) -> bool:
    return condition(maker_of_word(mark.rpartition("-")[2])) == "gone"
