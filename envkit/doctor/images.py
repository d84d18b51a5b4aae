"""Whether a machine's cards bear the images that lie on it: their drivers against what the labels say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.needs import LABEL, from_label, loose, problems
from envkit.doctor.cards_nvidia import nvidia_driver
from envkit.doctor.finding import Check, Finding
from envkit.doctor.seen import Seen
from envkit.engines.base import Engine
from envkit.engines.values import ImageFacts

_IMAGES = Check(name="images", domain="accelerator")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A card of this machine, as far as an image asks for it."""

    index: int
    name: str
    driver: str
    chip: str = ""  # not asked here: `up` compares it


def judge_images(engine: Engine, seen: Seen) -> tuple[Finding, ...]:
    """Return a line for the images of the engine; nothing on a machine without cards."""
    held = held_cards(seen)
    if not any(held.values()):
        return ()
    images = engine.images.list({LABEL: ""})
    found = list(dict.fromkeys(_unfit(images, held)))
    return _IMAGES.all_of(found, f"{len(images)} of envkit's, none needs a newer driver")


def held_cards(seen: Seen) -> Mapping[str, tuple[Held, ...]]:
    """Return accelerator → the cards that are there."""
    return {
        "cuda": _held(seen, "/dev/nvidia", nvidia_driver(seen)),
        "ascend": _held(seen, "/dev/davinci", seen.words.get("ascend_version", "")),
    }


def _held(seen: Seen, prefix: str, driver: str) -> tuple[Held, ...]:
    paths = (node.path for node in seen.numbered(prefix))
    return tuple(Held(index=int(path.removeprefix(prefix)), name=path, driver=driver) for path in paths)


def _unfit(images: Sequence[ImageFacts], held: Mapping[str, tuple[Held, ...]]) -> Iterator[Finding]:
    for image in images:
        needs = from_label(image.labels.get(LABEL, ""))
        if needs is None:
            continue
        cards, name = held.get(needs.accelerator, ()), (image.tags or (image.id[7:19],))[0]
        for problem in problems(needs, cards, ACCELERATORS[needs.accelerator].runs_on):
            yield _IMAGES.warn("images.driver", f"{name}: {problem.what}", problem.fix)
        for what in loose(needs, cards):
            yield _IMAGES.warn("images.paired", f"{name}: {what}", "update the driver")
