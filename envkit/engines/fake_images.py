"""Images in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from envkit.engines.credentials import in_registry
from envkit.engines.failures import RegistryFailed
from envkit.engines.fake_archives import made_layer, read_archive, write_archive
from envkit.engines.values import SAVE, Change, ImageFacts, LayerFacts, Published, Sent, short_id
from envkit.errors import EngineError

EMPTY = ImageFacts(
    id="", tags=(), digests=(), labels={}, env={}, entrypoint=(), command=(), user="", architecture="amd64",
    size_bytes=0, layers=1,
)  # fmt: skip


class FakeImages:
    """Images in memory; `registry` is what pull finds, `committed` what a commit asks of a container."""

    def __init__(self, is_used: Callable[[str], bool]) -> None:
        self._is_used = is_used
        self._images: dict[str, ImageFacts] = {}
        self._history: dict[str, tuple[LayerFacts, ...]] = {}
        self._configs: dict[str, Mapping[str, Any]] = {}
        self._layers: dict[str, bytes] = {}
        self.registry: dict[str, ImageFacts] = {}
        self.refusals: list[EngineError] = []
        self.not_taken: tuple[Sent, ...] = ()  # what a push tells before all else
        self.full: RegistryFailed | None = None
        self.committed: Callable[[str], tuple[Mapping[str, Any], str, tuple[Change, ...]]]
        self.loads_on_top = True

    def add(self, facts: ImageFacts, history: tuple[LayerFacts, ...] = ()) -> ImageFacts:
        """Put an image in; without an id it gets one of its own."""
        whole = facts if facts.id else replace(facts, id=made_id(repr(facts), str(len(self._images))))
        self._images[whole.id] = replace(whole, tags=(), diff_ids=self._diff_ids(whole))
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

    def import_rootfs(
        self, tar: Path, reference: str, labels: Mapping[str, str], architecture: str = ""
    ) -> str:
        """Make a one-layer image of a root filesystem; return its id."""
        content = tar.read_bytes()
        identity = made_id(reference, repr(sorted(labels.items())), hashlib.sha256(content).hexdigest())
        facts = replace(EMPTY, id=identity, labels=dict(labels), size_bytes=len(content))
        facts = replace(facts, architecture=architecture or facts.architecture)
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

    def config(self, reference: str) -> Mapping[str, Any]:
        """Return the image's own config."""
        facts = self.require(reference)
        return self._configs.get(facts.id) or _config(facts)

    def commit(self, container: str, labels: Mapping[str, str]) -> str:
        """Make an image without a name of a container; return its id. Never a second one of a SAVE."""
        if key := labels.get(SAVE):
            for facts in self.list({SAVE: key}):
                return facts.id
        config, image, changes = self.committed(container)
        base = self.require(image)
        whole = {**config, "Labels": {**(config.get("Labels") or {}), **labels}}
        top = (self._keep(made_layer(f"{container} {changes}")),) if changes else ()
        return self._take(whole, (*base.diff_ids, *top), base.architecture).id

    def load(self, tar: Path, report: Callable[[str], None]) -> str:
        """Take in a docker archive of one image, named or not; return its id."""
        archive = read_archive(tar)
        diff_ids = tuple(archive.image["rootfs"]["diff_ids"])
        for diff_id, content in zip(diff_ids, archive.layers, strict=True):
            if content is not None:
                if self._keep(content) != diff_id:
                    raise EngineError(f"loading {tar}: layer {diff_id} is another one", fix="make it anew")
                report(f"{diff_id} Loading layer")
            elif diff_id not in self._layers or not self.loads_on_top:
                raise EngineError(f"loading {tar}: there is no layer {diff_id}", fix="save all of the image")
        architecture = str(archive.image.get("architecture", ""))
        made = self._take(archive.image.get("config") or {}, diff_ids, architecture, archive.identity)
        for name in archive.names:
            self.tag(made.id, name)
        return made.id

    def save(self, reference: str) -> Iterator[bytes]:
        """Yield the bytes of a docker archive of the image, all its layers in it."""
        facts = self.require(reference)
        image = {
            "id": facts.id,  # not made of these bytes, as a real one is
            "architecture": facts.architecture,
            "os": "linux",
            "config": dict(self.config(facts.id)),
            "rootfs": {"type": "layers", "diff_ids": list(facts.diff_ids)},
            "history": [{"created_by": layer.created_by} for layer in self._history[facts.id]],
        }
        return write_archive(image, facts.tags, tuple(self._layers[diff_id] for diff_id in facts.diff_ids))

    def push(self, reference: str, report: Callable[[Sent], None], silence_s: float = 600.0) -> str:
        """Send an image to `registry`; what `refusals` holds is raised instead, one after the other."""
        name = in_registry(reference)
        facts = self.require(reference)
        if name.whole not in facts.tags:
            raise EngineError(f"pushing {reference}: no image here has that name", fix="tag it first")
        for told in self.not_taken:
            report(told)
        if self.refusals:
            raise self.refusals.pop(0)
        had = {diff_id for held in self.registry.values() for diff_id in held.diff_ids}
        for diff_id in facts.diff_ids:
            report(Sent(short_id(diff_id), "there" if diff_id in had else "sent"))
        self.registry[name.whole] = facts
        return made_id("manifest", facts.id)

    def published(self, reference: str) -> Published | None:
        """Return what `registry` holds under that name."""
        held = self.registry.get(in_registry(reference).whole)
        if held is None:
            return None
        layers = tuple((diff_id, len(self._layers[diff_id])) for diff_id in held.diff_ids)
        return Published(digest=made_id("manifest", held.id), config=held.id, layers=layers)

    def no_room(self, reference: str) -> RegistryFailed | None:
        """Return what `full` holds."""
        return self.full

    def _take(
        self, config: Mapping[str, Any], diff_ids: tuple[str, ...], architecture: str, identity: str = ""
    ) -> ImageFacts:
        facts = ImageFacts(
            id=identity or made_id(repr(config), *diff_ids),
            tags=(),
            digests=(),
            labels=config.get("Labels") or {},
            env=dict(entry.partition("=")[::2] for entry in config.get("Env") or ()),
            entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()),
            user=config.get("User") or "",
            architecture=architecture,
            size_bytes=sum(len(self._layers[diff_id]) for diff_id in diff_ids),
            layers=len(diff_ids),
            diff_ids=diff_ids,
        )
        self._configs[facts.id] = config
        tags = found.tags if (found := self._images.get(facts.id)) else ()
        return self.add(replace(facts, tags=tags))

    def _keep(self, content: bytes) -> str:
        diff_id = "sha256:" + hashlib.sha256(content).hexdigest()
        self._layers[diff_id] = content
        return diff_id

    def _diff_ids(self, facts: ImageFacts) -> tuple[str, ...]:
        """Return the layers that an image of this many has: those it names, and more of its own."""
        more = (made_layer(f"{facts.id} {number}") for number in range(len(facts.diff_ids), facts.layers))
        return (*facts.diff_ids, *map(self._keep, more))

    def require(self, reference: str) -> ImageFacts:
        """Return the image; EngineError when there is none."""
        found = self.inspect(reference)
        if found is None:
            raise EngineError(f"{reference}: no such image", fix="`envkit build` makes one from a spec")
        return found


def _config(facts: ImageFacts) -> dict[str, Any]:
    return {
        "Env": [f"{name}={value}" for name, value in facts.env.items()],
        "Cmd": list(facts.command),
        "Entrypoint": list(facts.entrypoint),
        "User": facts.user,
        "Labels": dict(facts.labels),
    }


def carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Say whether these labels hold the wanted ones; a wanted "" matches any value."""
    return all(name in labels and value in ("", labels[name]) for name, value in wanted.items())


def made_id(*parts: str) -> str:
    """Return an id that depends on these texts alone."""
    return "sha256:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _with_tag(reference: str) -> str:
    return reference if ":" in reference.rpartition("/")[2] or "@" in reference else f"{reference}:latest"
