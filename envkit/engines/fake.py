"""An engine in memory: for tests, and for whoever wants to see what would be asked of a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envkit.engines.fake_builder import FakeBuilder
from envkit.engines.fake_containers import FakeContainers, FakeInside
from envkit.engines.fake_images import FakeImages
from envkit.engines.fake_watch import FakeWatch
from envkit.engines.values import Change, EngineFacts

FACTS = EngineFacts(
    kind="fake", version="1.0", architecture="amd64", storage_root="", local=True,
    loads_on_top=True,
)  # fmt: skip


class FakeEngine:
    """Images, builds, containers and commands, all in memory and all scripted."""

    def __init__(self, facts: EngineFacts = FACTS, emulates: tuple[str, ...] = ()) -> None:
        self._facts = facts
        self.images = FakeImages(self._is_used)
        self.builder = FakeBuilder(self.images)
        self.containers = FakeContainers(self.images)
        # How envkit asks whether it runs a machine's programs.
        self.containers.endings = {
            (machine,): (0 if machine in (facts.architecture, *emulates) else 1, b"")
            for machine in ("amd64", "arm64")
        }
        self.images.committed = self._committed
        self.images.loads_on_top = facts.loads_on_top
        self.inside = FakeInside(self.containers)
        self.watch = FakeWatch(self.containers)

    def facts(self) -> EngineFacts:
        """Return what it was told to be."""
        return self._facts

    def _committed(self, container: str) -> tuple[Mapping[str, Any], str, tuple[Change, ...]]:
        facts = self.containers.require(container)
        return self.containers.config(facts.id), facts.image, self.containers.changes(facts.id)

    def _is_used(self, image: str) -> bool:
        return any(facts.image == image for facts in self.containers.find({}))
