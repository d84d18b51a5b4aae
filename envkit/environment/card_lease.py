"""Who has which card. Truth is what runs; a lease keeps two who start at the same moment apart.

A lease is a container that is never started, of the image that is being started, with a name that the card
alone decides: the engine gives a name once. It holds while its environment is being started or runs. What
is left of it afterwards is removed by whoever wants the card next, by `envkit stop`, `rm` and `gc`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from envkit.container.made import make
from envkit.container.maker import condition, maker_of
from envkit.engines.base import Engine
from envkit.engines.failures import NameTaken
from envkit.engines.values import OWNED_CONTAINER, ContainerFacts, RunRequest
from envkit.environment.lookup import name_of
from envkit.errors import AcceleratorError, EngineError
from envkit.plan.run_plan import RunPlan
from envkit.plan.run_record import CARDS

ACTIVE = ("running", "paused", "restarting")
KIND = "card"
_OF = "io.envkit.card-of"  # the id of the environment's container
_HOLDER = "io.envkit.card-holder"  # its name
_OURS = {OWNED_CONTAINER: "true", CARDS: ""}
_TRIES = 20  # each meets a lease that was left, or one that goes in that moment
_PAUSE_S = 0.1
# Between lease and start lies nothing but the start; a maker of another machine cannot be asked.
_LEASE_S = 5.0


class CardTaken(AcceleratorError):
    """Somebody else has the card."""


@dataclass(frozen=True, kw_only=True)
class _Lease:
    key: str
    name: str  # of the environment
    of: str


def holders(engine: Engine, *, besides: str = "") -> Mapping[str, str]:
    """Return who has which card, by its key; `besides`: the container that asks."""
    found = engine.containers.find(_OURS)
    states = {facts.id: facts for facts in found}
    held: dict[str, str] = {}
    for facts in found:
        lease = _lease(facts)
        if lease and lease.of != besides and not stale(facts, states.get(lease.of)):
            held[lease.key] = f"environment {lease.name} is being started on it"
    for facts in found:
        if _lease(facts) is None and facts.state in ACTIVE and facts.id != besides:
            held |= {key: f"environment {name_of(facts)} has it" for key in _keys(facts)}
    return held


def users(engine: Engine) -> dict[str, tuple[str, ...]]:
    """Return the environments that run with each card, by its key; several share it."""
    found: dict[str, tuple[str, ...]] = {}
    for facts in engine.containers.find(_OURS):
        for key in _keys(facts) if _lease(facts) is None and facts.state in ACTIVE else ():
            found[key] = (*found.get(key, ()), name_of(facts))
    return found


def stale(lease: ContainerFacts, owner: ContainerFacts | None) -> str:
    """Return why a lease holds nothing any more; "": it holds, or may."""
    name = lease.labels.get(_HOLDER, "?")
    if owner is None:
        return f"environment {name} is gone"
    if owner.state in ACTIVE:
        return ""
    if owner.started and _when(owner.started) > _when(lease.created):
        return f"environment {name} has ended"
    maker = maker_of(lease.labels)
    return f"taken by {maker}, who has ended" if condition(maker) == "gone" else ""


def owner_of(engine: Engine, lease: ContainerFacts) -> ContainerFacts | None:
    """Return the container of the environment that a lease is for."""
    return engine.containers.inspect(owner_id(lease))


def owner_id(lease: ContainerFacts) -> str:
    """Return the id of the container that a lease is for."""
    return lease.labels.get(_OF, "")


@contextmanager
def held(engine: Engine, plan: RunPlan, container: str) -> Iterator[None]:
    """Lease the plan's cards for its container; they are free again when the block fails."""
    keys = () if plan.share else sorted(plan.device.keys)
    try:
        for key in keys:
            _take(engine, plan, container, key)
        _refuse_running(engine, plan, container, set(keys))
        yield
    except BaseException:
        if keys:
            release(engine, container)
        raise


def release(engine: Engine, container: str) -> None:
    """Give back what a container has leased; nothing is fine."""
    for facts in engine.containers.find({**_OURS, _OF: container}):
        engine.containers.remove_idle(facts.id)


def _take(engine: Engine, plan: RunPlan, container: str, key: str) -> None:
    request = RunRequest(
        image=plan.image_id,
        name=f"envkit-card-{key.replace('/', '-')}",
        entrypoint=("true",),
        labels={"io.envkit.kind": KIND, CARDS: key, _OF: container, _HOLDER: plan.name},
    )
    for _ in range(_TRIES):
        try:
            make(engine, request)
            return
        except NameTaken:
            there = engine.containers.inspect(str(request.name))
        if there is None:
            continue
        lease = _lease(there)
        if lease is None:
            raise EngineError(
                f"the container {request.name} is not envkit's, and has the name that a card's lease needs",
                fix="rename that container",
            )
        if not _has_gone(engine, there):
            if lease.of == container:
                return  # another `up` of the same environment
            raise _taken(plan, key, lease.name)
        _remove_half_made(engine, there)
        engine.containers.remove_idle(there.id)
    raise CardTaken(
        f"{plan.device.accelerator} card {key}: others took it {_TRIES} times",
        fix="run it again when they are done",
    )


def _has_gone(engine: Engine, lease: ContainerFacts) -> bool:
    """Tell whether a lease was left; that of a maker who cannot be asked, when it stays as it is for long."""
    if condition(maker_of(lease.labels)) != "unknown":
        return bool(stale(lease, owner_of(engine, lease)))
    deadline = time.monotonic() + _LEASE_S
    while time.monotonic() < deadline:
        owner = owner_of(engine, lease)
        if stale(lease, owner):
            return True
        if owner and owner.state in ACTIVE:
            return False
        time.sleep(_PAUSE_S)
    owner = owner_of(engine, lease)
    return owner is None or owner.state not in ACTIVE


def _remove_half_made(engine: Engine, lease: ContainerFacts) -> None:
    """Remove what a killed `up` was about to start: its start may still be on its way to the engine."""
    owner = owner_of(engine, lease)
    if owner and owner.state == "created":
        engine.containers.remove_idle(owner.id)


def _refuse_running(engine: Engine, plan: RunPlan, container: str, keys: set[str]) -> None:
    """Refuse what a running environment has without a lease: the engine, or somebody's hand, started it."""
    for facts in engine.containers.find(_OURS) if keys else ():
        both = keys & set(_keys(facts))
        if both and facts.id != container and _lease(facts) is None and facts.state in ACTIVE:
            raise _taken(plan, ", ".join(sorted(both)), name_of(facts))


def _taken(plan: RunPlan, keys: str, name: str) -> CardTaken:
    return CardTaken(
        f"{plan.device.accelerator} card {keys} is environment {name}'s",
        fix=f"`envkit stop {name}`, or other cards with --device; --share takes it beside others",
    )


def _lease(facts: ContainerFacts) -> _Lease | None:
    labels = facts.labels
    if labels.get("io.envkit.kind") != KIND or labels.get(OWNED_CONTAINER) != "true":
        return None
    return _Lease(key=labels.get(CARDS, ""), name=labels.get(_HOLDER, "?"), of=labels.get(_OF, ""))


def _when(told: str) -> tuple[str, str]:
    """Return what an engine writes as something to compare: it leaves zeros at the end out."""
    seconds, _, rest = told.partition(".")
    return seconds.rstrip("Z"), rest.rstrip("Z").ljust(9, "0")


def _keys(facts: ContainerFacts) -> tuple[str, ...]:
    return tuple(facts.labels.get(CARDS, "").split())
