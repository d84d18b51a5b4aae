"""Whether a machine's cards bear the images that lie on it: driver and chip against what the labels say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.needs import LABEL, from_label, loose, problems
from envkit.doctor.cards import Held
from envkit.doctor.finding import Check, Finding
from envkit.engines.base import Engine
from envkit.engines.values import ImageFacts, short_id

_IMAGES = Check(name="images", domain="accelerator")


def judge_images(engine: Engine, held: Held) -> tuple[Finding, ...]:
    """Return a line for the images of the engine; nothing on a machine without cards."""
    if not any(held.values()):
        return ()
    images = engine.images.list({LABEL: ""})
    found = list(dict.fromkeys(_unfit(images, held)))
    return _IMAGES.all_of(found, f"{len(images)} of envkit's, all fit driver and cards")


def _unfit(images: Sequence[ImageFacts], held: Held) -> Iterator[Finding]:
    for image in images:
        needs = from_label(image.labels.get(LABEL, ""))
        if needs is None:
            continue
        cards, name = held.get(needs.accelerator, ()), (image.tags or (short_id(image.id),))[0]
        for problem in problems(needs, cards, ACCELERATORS[needs.accelerator].runs_on):
            yield _IMAGES.warn("images.unfit", f"{name}: {problem.what}", problem.fix)
        for what in loose(needs, cards):
            yield _IMAGES.warn("images.paired", f"{name}: {what}", "update the driver")
