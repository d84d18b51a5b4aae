"""Create a container that tells its maker, and is found by that when the engine's answer was lost."""

from __future__ import annotations

from dataclasses import replace

from envkit.container import maker
from envkit.engines.base import Engine
from envkit.engines.failures import LinkLost
from envkit.engines.values import RunRequest
from envkit.errors import EngineError


def make(engine: Engine, request: RunRequest) -> str:
    """Create (not start) the container; return its id. A taken name is NameTaken."""
    told = maker.labels(maker.this_process())
    try:
        return engine.containers.create(replace(request, labels={**request.labels, **told}))
    except LinkLost:
        found = _found(engine, told)
        if found is None:
            raise
        return found


def _found(engine: Engine, told: dict[str, str]) -> str | None:
    """Return what this very call made (the label's key is its alone); None also when nobody can tell."""
    try:
        found = engine.containers.find(told)
    except EngineError:
        return None
    return found[0].id if found else None
