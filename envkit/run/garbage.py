"""What nothing owns any more, and the containers of runs whose folders tell how they ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from envkit.environment import garbage
from envkit.environment.garbage import Leftover, Place
from envkit.environment.site import Site
from envkit.run.settle import NOTICEABLE_BYTES, told_end
from envkit.run.tidy import ended, going_of


def leftovers(site: Site, now: datetime) -> tuple[Leftover, ...]:
    """Return all that may go: the runs' containers first, since an image is free only without them."""
    place = Place(engine=site.engine, host=site.host, cache=site.cache)
    return (*_runs(site), *garbage.leftovers(place, now))


def _runs(site: Site) -> Iterator[Leftover]:
    for facts in ended(site):
        run = going_of(facts)
        end = told_end(site, run)
        size = site.engine.containers.written_bytes(facts.id) if end else 0
        if end and size <= NOTICEABLE_BYTES:  # what somebody wrote outside of /work goes with the run alone
            why = f"the run is {end.state}, and its folder tells it all"
            yield Leftover(kind="run", name=run.name, id=facts.id, why=why, size_bytes=size)
