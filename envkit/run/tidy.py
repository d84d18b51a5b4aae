"""Containers of runs that have ended: one whose folder tells how it ended is not needed any more."""

from __future__ import annotations

from pathlib import PurePosixPath

from envkit.engines.values import ContainerFacts
from envkit.environment.site import Site
from envkit.errors import EnvkitError
from envkit.run.folder import RunFolder
from envkit.run.going import Going
from envkit.run.listing import FOLDER, KIND, NAME
from envkit.run.settle import settle

_OVER = ("exited", "dead")
_AT_ONCE = 20  # in passing: each is some questions to the engine, and the next command goes on


def tidy(site: Site) -> int:
    """Remove what detached runs left, in passing; return how many went. What cannot go now stays."""
    removed = 0
    try:
        for facts in ended(site)[:_AT_ONCE]:
            settle(site, going_of(facts))
            removed += site.engine.containers.inspect(facts.id) is None
    except EnvkitError:
        pass  # nobody asked for it: `envkit gc` says what stands in its way
    return removed


def ended(site: Site) -> list[ContainerFacts]:
    """Return the containers of runs that have ended."""
    found = site.engine.containers.find({**KIND, FOLDER: ""})
    return [facts for facts in found if facts.state in _OVER]


def going_of(facts: ContainerFacts) -> Going:
    """Return the run of a container."""
    folder = RunFolder(path=PurePosixPath(facts.labels[FOLDER]))
    return Going(name=facts.labels.get(NAME, facts.name), folder=folder, container=facts.id)
