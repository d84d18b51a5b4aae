"""An engine that is looked for when it is first asked something: much can be told of the disk alone."""

from __future__ import annotations

import threading
from collections.abc import Callable

from envkit.engines.base import Builder, Containers, Engine, Images, Inside, Watch
from envkit.engines.values import EngineFacts


class LateEngine:
    """Connects at the first question; where nobody answers, each question raises that error."""

    def __init__(self, connect: Callable[[], Engine]) -> None:
        self._connect = connect
        self._once = threading.Lock()
        self._engine: Engine | None = None

    def _connected(self) -> Engine:
        with self._once:
            if self._engine is None:
                self._engine = self._connect()
            return self._engine

    @property
    def images(self) -> Images:
        """Return what is done with images."""
        return self._connected().images

    @property
    def builder(self) -> Builder:
        """Return what builds."""
        return self._connected().builder

    @property
    def containers(self) -> Containers:
        """Return what is done with containers."""
        return self._connected().containers

    @property
    def inside(self) -> Inside:
        """Return what is done inside containers."""
        return self._connected().inside

    @property
    def watch(self) -> Watch:
        """Return what is seen of containers from outside."""
        return self._connected().watch

    def facts(self) -> EngineFacts:
        """Ask the engine what it is."""
        return self._connected().facts()
