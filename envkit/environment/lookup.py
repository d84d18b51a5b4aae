"""Find environments by what the engine remembers of them."""

from __future__ import annotations

import difflib

from envkit.engines.base import Engine
from envkit.engines.values import OWNED_CONTAINER, ContainerFacts
from envkit.errors import EngineError, EnvkitError, UsageError
from envkit.plan.run_plan import container_name

KIND = {OWNED_CONTAINER: "true", "io.envkit.kind": "environment"}


def find(engine: Engine, name: str) -> ContainerFacts | None:
    """Return the environment's container, or None; EngineError when its name is somebody else's."""
    found = engine.containers.inspect(container_name(name))
    if found is None or _ours(found, name):
        return found
    raise EngineError(
        f"the container {container_name(name)} is not envkit's, and it has the name that {name} needs",
        fix="give another --name, or rename that container",
    )


def require(engine: Engine, name: str) -> ContainerFacts:
    """Return the environment's container; UsageError with near names when there is none."""
    found = engine.containers.inspect(container_name(name))
    if found is not None and _ours(found, name):
        return found
    known = sorted(name_of(facts) for facts in everything(engine))
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        fix = f"did you mean {' or '.join(near)}?"
    elif known:
        fix = f"there are: {', '.join(known)}"
    else:
        fix = "there is none; `envkit up` starts one"
    raise UsageError(f"there is no environment {name!r}", fix=fix)


def chosen(engine: Engine, name: str | None) -> ContainerFacts:
    """Return the environment that is meant: the named one, or the only one; UsageError otherwise."""
    if name is not None:
        return require(engine, name)
    found = everything(engine)
    if len(found) == 1:
        return found[0]
    names = ", ".join(name_of(facts) for facts in found)
    raise UsageError(
        "which environment?" if found else "there is no environment",
        fix=f"name one of: {names}" if found else "`envkit up` starts one",
    )


def picked(engine: Engine, names: tuple[str, ...], *, every: bool) -> tuple[ContainerFacts, ...]:
    """Return those that are meant: the named ones, all, or the only one; UsageError when one is unknown."""
    if every and names:
        raise UsageError("--all, and names beside it", fix="give names, or --all")
    if every:
        return everything(engine)
    if not names:
        return (chosen(engine, None),)
    return tuple(require(engine, name) for name in dict.fromkeys(names))


def running(engine: Engine, name: str | None) -> ContainerFacts:
    """Return the environment that is meant; EnvkitError when it does not run."""
    facts = chosen(engine, name)
    if facts.state != "running":
        known = name_of(facts)
        raise EnvkitError(f"environment {known} does not run", fix=f"envkit start {known}")
    return facts


def everything(engine: Engine) -> tuple[ContainerFacts, ...]:
    """Return the containers of all environments, by name."""
    return tuple(sorted(engine.containers.find(KIND), key=name_of))


def name_of(facts: ContainerFacts) -> str:
    """Return the name of a container's environment."""
    return facts.labels.get("io.envkit.environment", facts.name)


def _ours(facts: ContainerFacts, name: str) -> bool:
    wanted = KIND | {"io.envkit.environment": name}
    return all(facts.labels.get(key) == value for key, value in wanted.items())
