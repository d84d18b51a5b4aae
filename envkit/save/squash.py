"""Make the upper layers of an image one: what its tree has otherwise than that of its lower layers.

Two trees are compared as they lie there, not their layers: what was written and removed again is in neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from envkit.container import maker
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, SAVE
from envkit.save.archive import Recipe, spool, write_archive
from envkit.save.layers import Layer, LayerWish, make_layers, reading
from envkit.save.trees import differences
from envkit.scratch import Scratch


def squash(engine: Engine, image: str, keep: int, wish: LayerWish, folder: Path) -> tuple[Layer, ...]:
    """Return the layers that make the image's tree out of its lowest `keep` layers; 0 flattens it.

    The wish's own changes do not matter: all that differs is in.
    """
    with reading(engine, image) as container:
        if keep == 0:
            return make_layers(engine, container, replace(wish, changes=None), folder)
        with lower_part(engine, image, keep) as below, reading(engine, below) as lower:
            changes = differences(engine, lower, container)
        return make_layers(engine, container, replace(wish, changes=changes), folder)


@contextmanager
def lower_part(engine: Engine, image: str, keep: int) -> Iterator[str]:
    """Give an image of another's lowest layers; it goes in any case, its layers stay with the other."""
    facts = engine.images.inspect(image)
    assert facts is not None  # the caller's own
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
