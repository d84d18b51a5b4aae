"""The name that a push gives an image for a while: the engine pushes by name. Nobody may keep it by accident.

Beside it the image has a second one, which tells whose the first is. An image that had the name before gets
such a mark, too, and then its name again. After a push that was killed, the next, or `envkit gc`, does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from envkit.container.maker import condition
from envkit.engines.base import Engine
from envkit.engines.values import ImageFacts
from envkit.image.for_now import UNVERIFIED, giver, is_for_now, name_for_now

_LENT, _TAKEN = "push", "push-owner"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A name that a push took from an image: `owner` is its id, `mark` the name that keeps it meanwhile."""

    reference: str
    owner: str
    mark: str


@contextmanager
def called(engine: Engine, facts: ImageFacts, reference: str) -> Iterator[None]:
    """Give the image that name for as long as it is pushed."""
    for one in taken(engine.images.list({})):
        if one.reference == reference and _is_dead(one.mark):
            give_back(engine, one)
    before = engine.images.inspect(reference)
    if before is not None and before.id == facts.id:
        dead = [mark for mark in facts.tags if lent_by(mark, facts.tags) == reference and _is_dead(mark)]
        yield
        for left in (reference, *dead) if dead else ():  # the image has another: `find` knew it by that
            engine.images.untag(left)
        return
    with ExitStack() as back:  # one by one, also when one of them fails: the engine's disk may be full
        if before is not None:
            mark = name_for_now(_TAKEN, _word(reference))
            back.callback(give_back, engine, Taken(reference=reference, owner=before.id, mark=mark))
            engine.images.tag(before.id, mark)
        elif facts.tags:  # an image that had no name keeps this one: it would go with it
            mark = name_for_now(_LENT, _word(reference))
            back.callback(engine.images.untag, mark)
            engine.images.tag(facts.id, mark)
            back.callback(engine.images.untag, reference)
        engine.images.tag(facts.id, reference)
        yield


def give_back(engine: Engine, one: Taken) -> None:
    """Give an image its name again: the mark goes last, since it may be all that keeps the image."""
    engine.images.tag(one.owner, one.reference)
    engine.images.untag(one.mark)


def taken(images: Iterable[ImageFacts]) -> tuple[Taken, ...]:
    """Return the names that pushes took from one of these images, and have not given back."""
    images = tuple(images)
    words = {_word(name): name for facts in images for name in facts.tags if not is_for_now(name)}
    return tuple(
        Taken(reference=words[word], owner=facts.id, mark=mark)
        for facts in images
        for mark in facts.tags
        if (word := _told(mark, _TAKEN)) in words
    )


def keeps(name: str) -> bool:
    """Tell whether a name is the mark of an image whose own name a push took: it may be all that keeps it."""
    return bool(_told(name, _TAKEN))


def lent_by(mark: str, names: tuple[str, ...]) -> str:
    """Return which of an image's names a push gave it that left this mark; "" for none, or no mark."""
    word = _told(mark, _LENT)
    return next((name for name in names if word and _word(name) == word), "")


def _told(mark: str, kind: str) -> str:
    """Return the word of the reference that a mark of this kind is about; "" for any other name."""
    start = f"{UNVERIFIED}/{kind}:"
    return mark.removeprefix(start).partition("-")[0] if mark.startswith(start) else ""


def _word(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()[:16]


def _is_dead(mark: str) -> bool:
    return condition(giver(mark)) == "gone"
