"""Containers for a moment: whatever happens, they are removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from envkit.container.leftover import removed_on_failure
from envkit.container.made import make
from envkit.engines.base import Engine
from envkit.engines.values import RunRequest

LABELS = {"io.envkit.kind": "temporary"}


def _nothing(container: str) -> AbstractContextManager[None]:
    return nullcontext()


@contextmanager
def running(
    engine: Engine,
    request: RunRequest,
    files: Mapping[str, bytes] | None = None,
    *,
    holding: Callable[[str], AbstractContextManager[None]] = _nothing,
) -> Iterator[str]:
    """Create a container, put files into it, start it; give its id; remove it whatever happens.

    `holding` is entered before it starts, and left when it is gone: what it may have only while it is there.
    """
    container = make(engine, replace(request, labels={**request.labels, **LABELS}))
    with removed_on_failure(engine, container, fix="`envkit gc` removes it"), holding(container):
        if files:
            engine.inside.put(container, files)
        engine.containers.start(container)
        yield container
        engine.containers.remove(container)
