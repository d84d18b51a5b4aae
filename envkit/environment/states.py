"""What state an environment is in, read from the engine and from the container itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts, ExecRequest
from envkit.environment.ended import ended_state, memory_word
from envkit.environment.idle import running_reason
from envkit.environment.lookup import everything, name_of
from envkit.errors import EngineError

State = Literal[
    "creating", "starting", "running", "unhealthy", "idle", "stopping", "stopped", "failed"
]  # `idle`: running, and nobody uses it

_STATUS = "/opt/envkit/bin/envkit-status"
_STATUS_TIMEOUT_S = 15.0  # it waits at most 3 s for each service (probes/status.py)
_SHUTDOWN = (
    "SHUTDOWN_STATE"  # what supervisord answers while it ends (an image of an older envkit hands it on)
)
_HOPELESS = ("FATAL", "UNKNOWN")  # supervisord's states that it does not leave by itself
# A service that has not answered for so long does not start slowly, it hangs: `up` gives up then, too.
_MUTE_S = 120.0
# At once: each look runs a program in there, and the SDK keeps ten connections (docker's unixconn.py).
_SIDE_BY_SIDE = 8


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An environment as it is now."""

    name: str
    state: State
    reason: str  # why it is not simply running or stopped
    image: str
    url: str  # without its token
    home: str
    cache: str
    user: str
    created: str
    started: str  # "" when it never was
    exit_code: int | None  # None unless it has ended
    container: str
    services: Mapping[str, Any]  # what each says of itself, while it runs
    own_cache: bool = False  # it goes with the environment


def environments(engine: Engine) -> tuple[Environment, ...]:
    """Return all environments as they are now."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return tuple(pool.map(partial(describe, engine), everything(engine)))


def describe(engine: Engine, facts: ContainerFacts) -> Environment:
    """Return one environment as it is now."""
    answer = _ask_inside(engine, facts) if facts.state == "running" else {}
    if "mute" in answer:  # it may have ended under our hands
        facts = engine.containers.inspect(facts.id) or replace(facts, state="removing")
        answer = answer if facts.state == "running" else {}
    state, reason = _running_state(engine, facts, answer) if answer else ended_state(engine, facts)
    record: Mapping[str, Any] = json.loads(facts.labels.get("io.envkit.run", "{}"))
    return Environment(
        name=name_of(facts),
        state=state,
        reason=reason,
        image=str(record.get("image", facts.image)),
        url=_url(facts),
        home=str(record.get("home", "")),
        cache=str(record.get("cache", "")),
        user=facts.user,
        created=facts.created,
        started=facts.started,
        exit_code=facts.exit_code,
        container=facts.id,
        services=answer.get("services", {}),
        own_cache=bool(record.get("own_cache")),
    )


def _url(facts: ContainerFacts) -> str:
    """Return where JupyterLab is; "" for a container that does not say it."""
    base, port = facts.labels.get("io.envkit.base-url"), facts.labels.get("io.envkit.port")
    if not base or not port:
        return ""
    # An older envkit's environments, on loopback, do not say their origin.
    return f"{facts.labels.get('io.envkit.origin') or f'http://127.0.0.1:{port}'}{base}/lab"


def services_state(answer: Mapping[str, Any]) -> tuple[State, str]:
    """Judge what envkit-status printed."""
    if answer.get("ready"):
        idle, reason = running_reason(answer)
        return "idle" if idle else "running", reason
    if answer.get("stopping") or _SHUTDOWN in str(answer.get("reason", "")):
        return "stopping", str(answer["reason"]) if answer.get("stopping") else ""
    waiting = {
        name: str(service.get("state", "?"))
        for name, service in answer.get("services", {}).items()
        if not service.get("answers")
    }
    if "STOPPING" in waiting.values():
        return "stopping", ""
    said = ", ".join(
        f"{name} is {_words(state)}{_why(answer['services'][name])}" for name, state in waiting.items()
    )
    hopeless = any(state in _HOPELESS for state in waiting.values())
    return "unhealthy" if hopeless else "starting", said or str(answer.get("reason", ""))


def _words(state: str) -> str:
    return "RUNNING but does not answer" if state == "RUNNING" else state


def _why(service: Mapping[str, Any]) -> str:
    return f": {service['reason']}" if service.get("reason") else ""


def _running_state(engine: Engine, facts: ContainerFacts, answer: Mapping[str, Any]) -> tuple[State, str]:
    if "mute" in answer:
        return "unhealthy", str(answer["mute"])
    state, reason = services_state(answer)
    if state == "starting" and _is_mute(answer) and _age_s(engine, facts) > _MUTE_S:
        return "unhealthy", reason
    return state, reason or memory_word(facts)


def _is_mute(answer: Mapping[str, Any]) -> bool:
    """Tell whether a service runs and does not answer; one that waits for secrets does not run yet."""
    services = answer.get("services", {}).values()
    return any(one.get("state") == "RUNNING" and not one.get("answers") for one in services)


def _ask_inside(engine: Engine, facts: ContainerFacts) -> Mapping[str, Any]:
    """Return what envkit-status printed, or why it is `mute`."""
    asked = ExecRequest(command=(_STATUS,), user=facts.user or None, timeout_s=_STATUS_TIMEOUT_S)
    try:
        text = engine.inside.execute(facts.id, asked).stdout.decode("utf-8", "replace")
        answer: object = json.loads(text)
    except EngineError as error:
        return {"mute": error.what}
    except json.JSONDecodeError:
        answer = None
    return answer if isinstance(answer, dict) and answer else {"mute": "envkit-status did not answer"}


def _age_s(engine: Engine, facts: ContainerFacts) -> float:
    """Return for how long it has been running, by the engine's own clock; 0 when that is not known."""
    used = engine.watch.usage(facts.id)
    if used is None or not facts.started:
        return 0.0
    started = datetime.fromisoformat(facts.started[: len("2026-01-01T00:00:00")] + "+00:00")
    return used.taken_ns / 1e9 - started.timestamp()
