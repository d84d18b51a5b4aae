"""After a run: its cards are free, its container goes, unless something would be lost with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from envkit.environment import card_lease
from envkit.environment.site import Site
from envkit.errors import EngineError, HostError
from envkit.run.folder import End
from envkit.run.going import Going, is_active, last_attempt, record

# What envkit itself puts there (passwd, group, the programs: 0.3 MB) and what Python caches for itself is no
# loss; a result that somebody wrote outside of /work is more.
NOTICEABLE_BYTES = 4 << 20
_LAST_S = 60.0  # from the end that is written to the container's own: packages are still being listed
_PAUSE_S = 0.1


def settle(site: Site, run: Going) -> int:
    """Remove the container of a run that has ended; return how much it wrote if it stays for that, else 0."""
    if run.environment or not run.container:
        return 0  # nothing is its own, or it is gone already
    deadline = time.monotonic() + _LAST_S
    while (facts := site.engine.containers.inspect(run.container)) and is_active(facts):
        if time.monotonic() > deadline:
            return 0  # it goes on, for whatever reason: not ours to end
        time.sleep(_PAUSE_S)
    card_lease.release(site.engine, run.container)
    if told_end(site, run) is None:
        return 0  # without an end's own words its container is the only evidence: it stays until `rm`
    written = site.engine.containers.written_bytes(run.container) if facts else 0
    if written > NOTICEABLE_BYTES:
        return written
    site.engine.containers.remove_idle(run.container)
    return 0


def settle_if_reached(site: Site, run: Going, report: Callable[[str], None]) -> int:
    """Do the same where the engine answers: how the run ended is known without it."""
    try:
        return settle(site, run)
    except (EngineError, HostError) as error:
        report(f"its container stays for now ({error.what}): `envkit runs` or the next run removes it")
        return 0


def told_end(site: Site, run: Going) -> End | None:
    """Return how it ended, where its own folder tells that and can be read."""
    return record(site.host, End, last_attempt(site.host, run).end)
