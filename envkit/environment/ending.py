"""Stop and remove environments; /work/home stays."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.engines.base import Engine
from envkit.environment.idle import say_stopped
from envkit.environment.lookup import chosen, name_of
from envkit.environment.states import Environment, describe
from envkit.plan.run_plan import STOP_GRACE_S


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What goes with an environment, and what stays."""

    environment: Environment
    written_bytes: int


def stop(engine: Engine, name: str | None) -> str:
    """Stop it and return its name; one that is stopped already is fine, an unknown name a UsageError."""
    facts = chosen(engine, name)
    say_stopped(engine, facts)
    engine.containers.stop(facts.id, float(facts.labels.get("io.envkit.stop-grace", STOP_GRACE_S)))
    return name_of(facts)


def loss(engine: Engine, name: str | None) -> Loss:
    """Tell what removing it would lose."""
    facts = chosen(engine, name)
    return Loss(environment=describe(engine, facts), written_bytes=engine.containers.written_bytes(facts.id))


def remove(engine: Engine, loss: Loss) -> None:
    """Stop and remove the very container that was shown; a newer one of its name stays."""
    container = loss.environment.container
    if loss.environment.state not in ("stopped", "creating"):
        engine.containers.stop(container, STOP_GRACE_S)
    engine.containers.remove(container)
