"""Pull: an image comes from a registry, and says what it has proven."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from envkit.engines.base import Engine
from envkit.engines.values import OWNED
from envkit.image.inventory import verdict_of
from envkit.image.patience import Patience
from envkit.image.verdict import summary


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What came."""

    reference: str
    image: str  # its id
    digest: str  # repository@sha256:…
    size_bytes: int
    was_here: bool
    is_ours: bool
    verdict: str  # in words; "" for none


def pull(
    engine: Engine,
    reference: str,
    report: Callable[[str], None],
    wait: Callable[[float], None] = time.sleep,
) -> Pulled:
    """Fetch it with docker's own login for that registry; the engine checks every digest.

    What passes is tried again, and then only what has not come yet.
    """
    before = engine.images.inspect(reference)
    facts = Patience(note=report, wait=wait).ask(lambda: engine.images.pull(reference, report))
    verdict = verdict_of(engine, facts.id)
    repository = reference.partition("@")[0].rpartition(":")
    named = repository[0] if repository[0] and "/" not in repository[2] else reference.partition("@")[0]
    return Pulled(
        reference=reference,
        image=facts.id,
        digest=next((digest for digest in facts.digests if digest.startswith(f"{named}@")), ""),
        size_bytes=facts.size_bytes,
        was_here=before is not None and before.id == facts.id,
        is_ours=facts.labels.get(OWNED) == "true",
        verdict=summary(verdict) if verdict else "",
    )
