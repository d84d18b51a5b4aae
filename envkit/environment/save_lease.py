"""One save of an environment at a time, and what a dead one left: a pause that nobody would end.

The lease is a container that is never started, with a name that the environment alone decides: the engine
gives a name once. Its label tells who saves: the next save, or `envkit gc`, knows when that one is dead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from envkit.container.made import make
from envkit.container.maker import condition, maker_of
from envkit.engines.base import Engine
from envkit.engines.failures import NameTaken
from envkit.engines.values import OWNED_CONTAINER, ContainerFacts, RunRequest
from envkit.environment.lookup import name_of
from envkit.errors import EngineError, EnvkitError

KIND = "save"
_OF = "io.envkit.save-of"  # the id of the container that is being saved
_TRIES = 5


class SavedByAnother(EnvkitError):
    """Another envkit saves the same environment."""


@contextmanager
def held(engine: Engine, container: ContainerFacts) -> Iterator[None]:
    """Be the only one who saves this environment; what a dead save left is undone first."""
    lease = _take(engine, container)
    try:
        yield
    finally:
        engine.containers.remove_idle(lease)


def undo_dead(engine: Engine, container: ContainerFacts) -> bool:
    """End the pause that a dead save left in an environment; tell whether there was one."""
    lease = engine.containers.inspect(_name(container))
    if lease is None or not _is_ours(lease) or condition(maker_of(lease.labels)) != "gone":
        return False
    forget(engine, lease)
    return True


def forget(engine: Engine, lease: ContainerFacts) -> None:
    """Remove the lease of a save that is dead, after ending the pause that it left."""
    saved = engine.containers.inspect(lease.labels.get(_OF, ""))
    if saved is not None and saved.state == "paused":
        engine.containers.unpause(saved.id)
    engine.containers.remove_idle(lease.id)


def _take(engine: Engine, container: ContainerFacts) -> str:
    request = RunRequest(
        image=container.image,
        name=_name(container),
        entrypoint=("true",),
        labels={"io.envkit.kind": KIND, _OF: container.id},
    )
    for _ in range(_TRIES):
        try:
            return make(engine, request)
        except NameTaken:
            there = engine.containers.inspect(str(request.name))
        if there is None:
            continue
        if not _is_ours(there):
            raise EngineError(
                f"the container {request.name} is not envkit's, and has the name that a save needs",
                fix="rename that container",
            )
        if condition(maker_of(there.labels)) != "gone":
            who = maker_of(there.labels) or "another envkit"
            raise SavedByAnother(
                f"environment {name_of(container)} is being saved by {who}",
                fix="wait for it; if that one is dead, `envkit gc` removes what it left",
            )
        forget(engine, there)
    raise EngineError(
        f"environment {name_of(container)}: others saved it {_TRIES} times",
        fix="run it again when they are done",
    )


def _name(container: ContainerFacts) -> str:
    return f"envkit--save-{name_of(container)}"  # no environment's name begins with a dash


def _is_ours(facts: ContainerFacts) -> bool:
    return facts.labels.get(OWNED_CONTAINER) == "true" and facts.labels.get("io.envkit.kind") == KIND
