"""Two at one environment: who came second says who is at it, waits, and goes on where nobody is any more."""

from __future__ import annotations

import time
from collections.abc import Callable

from envkit.container.maker import Maker, condition, is_this_process, maker_of
from envkit.container.wait import Gone
from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts
from envkit.environment.lookup import name_of
from envkit.errors import EnvkitError

# Between create and start lie two small copies. A maker of another machine who is slower was killed, it
# seems, and whoever asks next goes on; of one on this machine it is known.
_LEASE_S = 5.0
_PAUSE_S = 0.1
_HALF_WAY = ("created", "removing")


def wait_for_others(
    engine: Engine, found: ContainerFacts, timeout_s: float, report: Callable[[str], None]
) -> str:
    """Return the container's state, once whoever is creating or removing it is done or has gone.

    Gone when it was removed; EnvkitError, naming who is at it, when that does not end in time.
    """
    maker = maker_of(found.labels)
    report(_who(found, maker)) if _is_told(found, maker) else None
    began = time.monotonic()
    facts: ContainerFacts | None = found
    while facts and facts.state in _HALF_WAY:
        waited = time.monotonic() - began
        if facts.state == "created" and _may_go_on(maker, waited):
            break
        if waited > (_LEASE_S if facts.state == "removing" else timeout_s):
            break
        time.sleep(_PAUSE_S)
        facts = engine.containers.inspect(found.id)
    if facts is None or facts.state == "removing":
        raise Gone("the container was removed by somebody else", fix="run the command again")
    if facts.state == "created" and not _may_go_on(maker, _LEASE_S):
        raise EnvkitError(
            f"environment {name_of(found)} is being made by {maker}: not started within {timeout_s:g} s",
            fix="let that process end, or end it, and run the command again",
        )
    return facts.state


def _may_go_on(maker: Maker | None, waited: float) -> bool:
    if is_this_process(maker):
        return waited >= _LEASE_S
    about = condition(maker)
    return about == "gone" or (about == "unknown" and waited >= _LEASE_S)


def _is_told(found: ContainerFacts, maker: Maker | None) -> bool:
    if found.state in _HALF_WAY:
        return True
    return found.state == "running" and condition(maker) == "alive" and not is_this_process(maker)


def _who(found: ContainerFacts, maker: Maker | None) -> str:
    name = name_of(found)
    if found.state == "removing":
        return f"environment {name} is being removed: waiting for that"
    if found.state == "running":
        return f"environment {name} was started by {maker}, who waits for it too"
    if maker is None:
        return f"environment {name} is being made: waiting for whoever is at it"
    if condition(maker) == "gone":
        return f"environment {name} was left half-made by {maker}, who has ended: going on with it"
    return f"environment {name} is being made by {maker}: waiting for that"
