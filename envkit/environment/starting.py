"""Start an environment that is there, as it was made; wait until it is in a state."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any, Literal

from envkit.engines.values import ContainerFacts
from envkit.environment import machine
from envkit.environment.ending import stop
from envkit.environment.lookup import chosen, name_of
from envkit.environment.ready import Opened
from envkit.environment.secrets import planned
from envkit.environment.states import Environment, describe
from envkit.environment.up import Report, Site, UpRequest, up
from envkit.errors import EngineError, EnvkitError
from envkit.plan.run_plan import Caller, RunImage, RunOptions

# A look at a running environment starts a program in it.
_PAUSE_S = 0.5
_ENDED = ("stopped", "failed")


def start(
    site: Site, name: str | None, timeout_s: float, report: Report, env_file: str | None = None
) -> Opened:
    """Start it as it was made, and wait until its IDEs answer; one that runs already is fine.

    Its secrets come from `env_file`, or from where they came from before.
    """
    facts = chosen(site.engine, name)
    if facts.state != "running":
        report(f"environment {name_of(facts)} starts: waiting for its IDEs")
    request = _request(site, facts, timeout_s)
    options = replace(request.options, secrets=planned(env_file))
    return up(site, replace(request, options=options), report)


def restart(
    site: Site, name: str | None, timeout_s: float, report: Report, env_file: str | None = None
) -> Opened:
    """Stop it and start it again: with new tokens, and with what its services were asked to forget."""
    stopped = stop(site.engine, name)
    report(f"environment {stopped} is stopped")
    return start(site, stopped, timeout_s, report, env_file)


def wait_for(
    site: Site, name: str | None, wanted: Literal["running", "stopped"], timeout_s: float
) -> Environment:
    """Return the environment once it runs (or is idle), or has ended; EnvkitError when that will not be."""
    container = chosen(site.engine, name)
    deadline = time.monotonic() + timeout_s
    while True:
        facts = site.engine.containers.inspect(container.id)
        if facts is None:
            raise EnvkitError(
                f"environment {name_of(container)} was removed while it was waited for",
                fix="`envkit ps` lists what is there",
            )
        found = describe(site.engine, facts) if wanted == "running" or facts.state != "running" else None
        if found and _is_there(found, wanted):
            return found
        if time.monotonic() > deadline:
            state = f"it is {found.state} {found.reason}".rstrip() if found else "it runs"
            raise EnvkitError(
                f"environment {name_of(container)} is not {wanted} after {timeout_s:g} s: {state}",
                fix="wait longer: --timeout SECONDS",
            )
        time.sleep(_PAUSE_S)


def _is_there(found: Environment, wanted: Literal["running", "stopped"]) -> bool:
    if wanted == "stopped":
        return found.state in _ENDED
    if found.state in (*_ENDED, "unhealthy"):
        raise EnvkitError(
            f"environment {found.name} is {found.state}" + (f": {found.reason}" if found.reason else ""),
            fix=f"`envkit restart {found.name}` starts it, `envkit logs {found.name}` tells more",
        )
    return found.state in ("running", "idle")


def _request(site: Site, facts: ContainerFacts, timeout_s: float) -> UpRequest:
    """Ask for what is there: what is not asked for stays as it was made."""
    record: dict[str, Any] = json.loads(facts.labels.get("io.envkit.run", "{}"))
    image = site.engine.images.inspect(facts.image)
    if image is None:
        raise EngineError(
            f"the image of environment {name_of(facts)} is gone ({facts.image[:19]})",
            fix=f"`envkit rm {name_of(facts)}` and `envkit up` again (/work/home stays)",
        )
    return UpRequest(
        image=RunImage(
            reference=str(record.get("image", facts.image)),
            id=facts.image,
            labels=image.labels,
            architecture=image.architecture,
        ),
        options=RunOptions(name=name_of(facts)),
        caller=_owner(site, facts),
        timeout_s=timeout_s,
        must_exist=True,
    )


def _owner(site: Site, facts: ContainerFacts) -> Caller:
    """Return whose environment it is; another person's can be started too."""
    uid, _, gid = facts.user.partition(":")
    me = machine.caller(site.host)
    return me if str(me.uid) == uid else Caller(uid=int(uid), gid=int(gid or 0), name=f"u{uid}")
