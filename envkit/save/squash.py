"""Make the upper layers of an image one: what its tree has otherwise than that of its lower layers.

Two trees are compared as they lie there, not their layers: what was written and removed again is in neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from envkit.container import maker
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, SAVE
from envkit.errors import EngineError
from envkit.save.archive import Recipe, spool, write_archive
from envkit.save.layers import reading
from envkit.scratch import Scratch


@contextmanager
def ground(engine: Engine, base: str, keep: int | None) -> Iterator[str]:
    """Give a container of what new layers lie on: the lowest `keep` layers of `base`, else all of it.

    With `keep` 0 they lie on nothing; what differs from `base` is then what was done since.
    """
    if not keep:
        with reading(engine, base) as container:
            yield container
        return
    with lower_part(engine, base, keep) as below, reading(engine, below) as container:
        yield container


@contextmanager
def lower_part(engine: Engine, image: str, keep: int) -> Iterator[str]:
    """Give an image of another's lowest layers; it goes in any case, its layers stay with the other."""
    facts = engine.images.inspect(image)
    if facts is None:
        raise EngineError(f"the image {image[:19]} is gone", fix="run the command again")
    recipe = Recipe(
        architecture=facts.architecture,
        # Not the labels of the other: whoever looks for that step must not find this one.
        config={"Labels": {OWNED: "true", SAVE: f"lower-{facts.id}", **maker.labels(maker.this_process())}},
        created=facts.created,
        below=facts.diff_ids[:keep],
    )
    with Scratch("lower") as scratch:
        lower = None
        if not engine.facts().loads_on_top:
            lower = spool(engine.images.save(image), scratch / "saved.tar", facts.size_bytes)
        write_archive(scratch / "image.tar", recipe, (), lower)
        found = engine.images.load(scratch / "image.tar", lambda line: None)
    try:
        yield found
    finally:
        engine.images.untag(found)
