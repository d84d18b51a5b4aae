"""Containers for a moment: whatever happens, they are removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from envkit.container.leftover import removed_on_failure
from envkit.container.made import make
from envkit.engines.base import Engine
from envkit.engines.values import RunRequest

LABELS = {"io.envkit.kind": "temporary"}


@contextmanager
def running(engine: Engine, request: RunRequest, files: Mapping[str, bytes] | None = None) -> Iterator[str]:
    """Create a container, put files into it, start it; give its id; remove it whatever happens."""
    container = make(engine, replace(request, labels={**request.labels, **LABELS}))
    with removed_on_failure(engine, container, fix="`envkit gc` removes it"):
        if files:
            engine.inside.put(container, files)
        engine.containers.start(container)
        yield container
    engine.containers.remove(container)
