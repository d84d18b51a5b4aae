"""Who has which card. Truth is what runs; a lease keeps two who start at the same moment apart.

A lease is a container that is never started, of the image that is being started, with a name that the card
alone decides: the engine gives a name once. It holds while what it is for (an environment, a run, a smoke
test) is being started or runs. What is left of it afterwards is removed by whoever wants the card next, by
`envkit stop`, `rm` and `gc`.
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
from envkit.plan.run_record import CARDS

ACTIVE = ("running", "paused", "restarting")
KIND = "card"
_OF = "io.envkit.card-of"  # the id of the container that a lease is for
_HOLDER = "io.envkit.card-holder"  # what has cards, in words; an environment is known by its name
_OURS = {OWNED_CONTAINER: "true", CARDS: ""}
_TRIES = 20  # each meets a lease that was left, or one that goes in that moment
_PAUSE_S = 0.1
# Between lease and start lies nothing but the start; a maker of another machine cannot be asked.
_LEASE_S = 5.0


class CardTaken(AcceleratorError):
    """Somebody else has the card."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Which cards a container is to have, and who that is."""

    accelerator: str
    keys: tuple[str, ...]
    holder: str  # as a person reads it: "environment lab", "a smoke test of lab:dev"
    image_id: str  # of the container: a lease needs an image, and this one is there
    share: bool = False  # beside others: nothing is leased

    @property
    def labels(self) -> dict[str, str]:
        """Return what the container must carry: while it runs, it has these cards, leased or not."""
        return {CARDS: " ".join(self.keys), _HOLDER: self.holder} if self.keys else {}


@dataclass(frozen=True, kw_only=True)
class _Lease:
    key: str
    holder: str
    of: str


def holders(engine: Engine, *, besides: str = "") -> Mapping[str, str]:
    """Return who has which card, by its key; `besides`: the container that asks."""
    found = engine.containers.find(_OURS)
    states = {facts.id: facts for facts in found}
    held: dict[str, str] = {}
    for facts in found:
        lease = _lease(facts)
        if lease and lease.of != besides and not stale(facts, states.get(lease.of)):
            held[lease.key] = f"{lease.holder} is being started on it"
    for facts in found:
        if _lease(facts) is None and facts.state in ACTIVE and facts.id != besides:
            held |= {key: f"{_holder(facts)} has it" for key in _keys(facts)}
    return held


def users(engine: Engine) -> dict[str, tuple[str, ...]]:
    """Return what runs with each card, by its key; several share it."""
    found: dict[str, tuple[str, ...]] = {}
    for facts in engine.containers.find(_OURS):
        for key in _keys(facts) if _lease(facts) is None and facts.state in ACTIVE else ():
            found[key] = (*found.get(key, ()), _holder(facts))
    return found


def stale(lease: ContainerFacts, owner: ContainerFacts | None) -> str:
    """Return why a lease holds nothing any more; "": it holds, or may."""
    holder = lease.labels.get(_HOLDER, "?")
    if owner is None:
        return f"{holder} is gone"
    if owner.state in ACTIVE:
        return ""
    if owner.started and _when(owner.started) > _when(lease.created):
        return f"{holder} has ended"
    maker = maker_of(lease.labels)
    return f"taken by {maker}, who has ended" if condition(maker) == "gone" else ""


def owner_of(engine: Engine, lease: ContainerFacts) -> ContainerFacts | None:
    """Return the container that a lease is for."""
    return engine.containers.inspect(owner_id(lease))


def owner_id(lease: ContainerFacts) -> str:
    """Return the id of the container that a lease is for."""
    return lease.labels.get(_OF, "")


@contextmanager
def held(engine: Engine, claim: Claim, container: str) -> Iterator[None]:
    """Lease the cards for a container that is not started yet; they are free again when the block fails.

    CardTaken when somebody was faster. Who ends the container, or sees it end, releases them.
    """
    keys = () if claim.share else sorted(claim.keys)
    try:
        for key in keys:
            _take(engine, claim, container, key)
        _refuse_running(engine, claim, container, set(keys))
        yield
    except BaseException:
        if keys:
            release(engine, container)
        raise


def release(engine: Engine, container: str) -> None:
    """Give back what a container has leased; nothing is fine."""
    for facts in engine.containers.find({**_OURS, _OF: container}):
        engine.containers.remove_idle(facts.id)


def _take(engine: Engine, claim: Claim, container: str, key: str) -> None:
    request = RunRequest(
        image=claim.image_id,
        name=f"envkit-card-{key.replace('/', '-')}",
        entrypoint=("true",),
        labels={"io.envkit.kind": KIND, CARDS: key, _OF: container, _HOLDER: claim.holder},
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
            raise _taken(claim, key, lease.holder)
        _remove_half_made(engine, there)
        engine.containers.remove_idle(there.id)
    raise CardTaken(
        f"{claim.accelerator} card {key}: others took it {_TRIES} times",
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
    """Remove what a killed envkit was about to start: its start may still be on its way to the engine."""
    owner = owner_of(engine, lease)
    if owner and owner.state == "created":
        engine.containers.remove_idle(owner.id)


def _refuse_running(engine: Engine, claim: Claim, container: str, keys: set[str]) -> None:
    """Refuse what a running environment has without a lease: the engine, or somebody's hand, started it."""
    for facts in engine.containers.find(_OURS) if keys else ():
        both = keys & set(_keys(facts))
        if both and facts.id != container and _lease(facts) is None and facts.state in ACTIVE:
            raise _taken(claim, ", ".join(sorted(both)), _holder(facts))


def _taken(claim: Claim, keys: str, holder: str) -> CardTaken:
    return CardTaken(
        f"{claim.accelerator} card {keys}: {holder} has it",
        fix="wait or stop that, or take other cards with --device; --share takes it beside others",
    )


def _lease(facts: ContainerFacts) -> _Lease | None:
    labels = facts.labels
    if labels.get("io.envkit.kind") != KIND or labels.get(OWNED_CONTAINER) != "true":
        return None
    return _Lease(key=labels.get(CARDS, ""), holder=labels.get(_HOLDER, "?"), of=labels.get(_OF, ""))


def _holder(facts: ContainerFacts) -> str:
    """Name what has cards; what its envkit was killed over may go on for long."""
    holder = facts.labels.get(_HOLDER) or f"environment {name_of(facts)}"
    maker = maker_of(facts.labels)
    if facts.labels.get("io.envkit.kind") == "temporary" and condition(maker) == "gone":
        return f"{holder}, left by {maker}, who has ended (`envkit gc` removes it),"
    return holder


def _when(told: str) -> tuple[str, str]:
    """Return what an engine writes as something to compare: it leaves zeros at the end out."""
    seconds, _, rest = told.partition(".")
    return seconds.rstrip("Z"), rest.rstrip("Z").ljust(9, "0")


def _keys(facts: ContainerFacts) -> tuple[str, ...]:
    return tuple(facts.labels.get(CARDS, "").split())
