"""Containers of runs that have ended: one whose folder tells how it ended is not needed any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath

from envkit.engines.values import ContainerFacts
from envkit.environment import garbage
from envkit.environment.garbage import Leftover, Place
from envkit.environment.site import Site
from envkit.errors import EnvkitError
from envkit.run.folder import RunFolder
from envkit.run.going import Going
from envkit.run.listing import FOLDER, KIND, NAME
from envkit.run.settle import NOTICEABLE_BYTES, settle, told_end

_OVER = ("exited", "dead")
_AT_ONCE = 20  # in passing: each is some questions to the engine, and the next command goes on


def tidy(site: Site) -> int:
    """Remove what detached runs left, in passing; return how many went. What cannot go now stays."""
    removed = 0
    try:
        for facts in _ended(site)[:_AT_ONCE]:
            settle(site, _going(facts))
            removed += site.engine.containers.inspect(facts.id) is None
    except EnvkitError:
        pass  # nobody asked for it: `envkit gc` says what stands in its way
    return removed


def leftovers(site: Site, now: datetime) -> tuple[Leftover, ...]:
    """Return what nothing owns, and the containers of runs that have ended."""
    place = Place(engine=site.engine, host=site.host, cache=site.cache)
    return (*_runs(site), *garbage.leftovers(place, now))


def _runs(site: Site) -> Iterator[Leftover]:
    for facts in _ended(site):
        run = _going(facts)
        end = told_end(site, run)
        size = site.engine.containers.written_bytes(facts.id) if end else 0
        if end and size <= NOTICEABLE_BYTES:  # what somebody wrote outside of /work goes with the run alone
            why = f"the run is {end.state}, and its folder tells it all"
            yield Leftover(kind="run", name=run.name, id=facts.id, why=why, size_bytes=size)


def _ended(site: Site) -> list[ContainerFacts]:
    found = site.engine.containers.find({**KIND, FOLDER: ""})
    return [facts for facts in found if facts.state in _OVER]


def _going(facts: ContainerFacts) -> Going:
    folder = RunFolder(path=PurePosixPath(facts.labels[FOLDER]))
    return Going(name=facts.labels.get(NAME, facts.name), folder=folder, container=facts.id)
