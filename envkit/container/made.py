"""Create a container that tells its maker, and is found by that when the engine's answer was lost."""

from __future__ import annotations

from dataclasses import replace

from envkit.container import maker
from envkit.engines.base import Engine
from envkit.engines.failures import LinkLost
from envkit.engines.values import RunRequest


def make(engine: Engine, request: RunRequest) -> str:
    """Create (not start) the container; return its id. A taken name is NameTaken."""
    told = maker.labels(maker.this_process())
    try:
        return engine.containers.create(replace(request, labels={**request.labels, **told}))
    except LinkLost:
        found = engine.containers.find(told)  # the label has a key that is this call's alone
        if not found:
            raise
        return found[0].id
