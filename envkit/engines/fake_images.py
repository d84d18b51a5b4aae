"""Images in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from envkit.engines.values import ImageFacts, LayerFacts
from envkit.errors import EngineError

EMPTY = ImageFacts(
    id="", tags=(), digests=(), labels={}, env={}, entrypoint=(), command=(), user="", architecture="amd64",
    size_bytes=0, layers=1,
)  # fmt: skip


class FakeImages:
    """Images in memory; `registry` is what pull finds."""

    def __init__(self, is_used: Callable[[str], bool]) -> None:
        self._is_used = is_used
        self._images: dict[str, ImageFacts] = {}
        self._history: dict[str, tuple[LayerFacts, ...]] = {}
        self.registry: dict[str, ImageFacts] = {}

    def add(self, facts: ImageFacts, history: tuple[LayerFacts, ...] = ()) -> ImageFacts:
        """Put an image in; without an id it gets one of its own."""
        whole = facts if facts.id else replace(facts, id=made_id(repr(facts), str(len(self._images))))
        self._images[whole.id] = replace(whole, tags=())
        self._history[whole.id] = history or (LayerFacts(created_by="", size_bytes=whole.size_bytes),)
        for reference in facts.tags:
            self.tag(whole.id, reference)
        return self._images[whole.id]

    def inspect(self, reference: str) -> ImageFacts | None:
        """Return the image, or None when there is none of that name or id."""
        if reference in self._images:
            return self._images[reference]
        name = _with_tag(reference)
        return next((facts for facts in self._images.values() if name in facts.tags), None)

    def tag(self, image: str, reference: str) -> None:
        """Give an image a name; the name is taken from whatever had it."""
        found = self.require(image)
        name = _with_tag(reference)
        for facts in tuple(self._images.values()):
            self._images[facts.id] = replace(facts, tags=tuple(tag for tag in facts.tags if tag != name))
        self._images[found.id] = replace(found, tags=(*(t for t in found.tags if t != name), name))

    def untag(self, reference: str) -> None:
        """Take a name away; an image with no other name goes. Never forced. A name that is gone is fine."""
        found = self.inspect(reference)
        if found is None:
            return
        left = tuple(tag for tag in found.tags if tag != _with_tag(reference) and reference != found.id)
        if left:
            self._images[found.id] = replace(found, tags=left)
            return
        if self._is_used(found.id):
            raise EngineError(f"{reference} is used by a container", fix="remove the container first")
        del self._images[found.id]

    def import_rootfs(self, tar: Path, reference: str, labels: Mapping[str, str]) -> str:
        """Make a one-layer image of a root filesystem; return its id."""
        content = tar.read_bytes()
        identity = made_id(reference, repr(sorted(labels.items())), hashlib.sha256(content).hexdigest())
        facts = replace(EMPTY, id=identity, labels=dict(labels), size_bytes=len(content))
        return self.add(replace(facts, tags=(reference,))).id

    def pull(self, reference: str, report: Callable[[str], None]) -> ImageFacts:
        """Fetch from `registry`."""
        found = self.registry.get(_with_tag(reference))
        if found is None:
            raise EngineError(f"pulling {reference}: there is none", fix="look at the name")
        report(f"Pulling from {reference}")
        return self.add(replace(found, tags=(reference,)))

    def list(self, labels: Mapping[str, str]) -> tuple[ImageFacts, ...]:
        """Return the images that carry all these labels."""
        return tuple(facts for facts in self._images.values() if carries(facts.labels, labels))

    def history(self, reference: str) -> tuple[LayerFacts, ...]:
        """Return the image's steps, the oldest first."""
        return self._history[self.require(reference).id]

    def require(self, reference: str) -> ImageFacts:
        """Return the image; EngineError when there is none."""
        found = self.inspect(reference)
        if found is None:
            raise EngineError(f"{reference}: no such image", fix="`envkit build` makes one from a spec")
        return found


def carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Say whether these labels hold the wanted ones; a wanted "" matches any value."""
    return all(name in labels and value in ("", labels[name]) for name, value in wanted.items())


def made_id(*parts: str) -> str:
    """Return an id that depends on these texts alone."""
    return "sha256:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _with_tag(reference: str) -> str:
    return reference if ":" in reference.rpartition("/")[2] or "@" in reference else f"{reference}:latest"
