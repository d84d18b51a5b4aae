"""Stop and remove environments; /work/home stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts
from envkit.environment import cache, card_lease
from envkit.environment.idle import say_stopped
from envkit.environment.lookup import chosen, name_of, picked
from envkit.environment.states import Environment, describe
from envkit.hosts.base import Host
from envkit.plan.run_plan import STOP_GRACE_S

_SIDE_BY_SIDE = 8  # as `ps` (environment/states.py)
_KILLED = 137  # 128 + SIGKILL


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What goes with an environment, and what stays."""

    environment: Environment
    written_bytes: int


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """An environment that was asked to stop, and how that went."""

    name: str
    how: Literal["stopped", "killed", "was not running"]
    grace_s: float


def stop(engine: Engine, name: str | None) -> str:
    """Stop it and return its name; one that is stopped already is fine, an unknown name a UsageError."""
    facts = chosen(engine, name)
    _stop(engine, facts)
    return name_of(facts)


def stop_all(engine: Engine, names: tuple[str, ...], *, every: bool) -> tuple[Stopped, ...]:
    """Stop several side by side, the named ones or all; the first failure is raised when all have ended."""
    found = picked(engine, names, every=every)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return tuple(pool.map(partial(_stop, engine), found))


def _stop(engine: Engine, facts: ContainerFacts) -> Stopped:
    grace_s = float(facts.labels.get("io.envkit.stop-grace", STOP_GRACE_S))
    say_stopped(engine, facts)
    engine.containers.stop(facts.id, grace_s)
    card_lease.release(engine, facts.id)
    after = engine.containers.inspect(facts.id)
    how: Literal["stopped", "killed", "was not running"] = "stopped"
    if facts.state not in ("running", "paused", "restarting"):
        how = "was not running"
    elif after and after.exit_code == _KILLED:
        how = "killed"
    return Stopped(name=name_of(facts), how=how, grace_s=grace_s)


def loss(engine: Engine, name: str | None) -> Loss:
    """Tell what removing it would lose."""
    return loss_of(engine, chosen(engine, name))


def loss_of(engine: Engine, facts: ContainerFacts) -> Loss:
    """Tell what removing this container would lose."""
    return Loss(environment=describe(engine, facts), written_bytes=engine.containers.written_bytes(facts.id))


def losses(engine: Engine, names: tuple[str, ...], *, every: bool) -> tuple[Loss, ...]:
    """Tell what removing several would lose: the named ones, all, or the only one."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return tuple(pool.map(lambda facts: loss_of(engine, facts), picked(engine, names, every=every)))


def remove_all(engine: Engine, lost: tuple[Loss, ...], host: Host | None = None) -> None:
    """Remove several side by side; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        tuple(pool.map(partial(remove, engine, host=host), lost))


def remove(engine: Engine, loss: Loss, host: Host | None = None) -> None:
    """Stop and remove the very container that was shown; a newer one of its name stays.

    A cache of its own goes before it, on the given host: who is killed in between finds both by its name.
    """
    container = loss.environment.container
    if loss.environment.state not in ("stopped", "creating"):
        engine.containers.stop(container, STOP_GRACE_S)
    if host and loss.environment.own_cache:
        cache.wipe(host, loss.environment.cache)
    engine.containers.remove(container)
    card_lease.release(engine, container)
