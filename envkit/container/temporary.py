"""Containers for a moment: whatever happens, they are removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from envkit.engines.base import Engine, RunRequest

LABELS = {"io.envkit.kind": "temporary"}


@contextmanager
def running(engine: Engine, request: RunRequest) -> Iterator[str]:
    """Create and start a container; give its id; remove it at the end, also of a failure."""
    container = engine.containers.create(replace(request, labels={**request.labels, **LABELS}))
    try:
        engine.containers.start(container)
        yield container
    finally:
        engine.containers.remove(container)
