"""What state an environment is in, read from the engine and from the container itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts, ExecRequest
from envkit.environment.idle import running_reason, stopped_reason
from envkit.environment.lookup import everything, name_of
from envkit.errors import EngineError

State = Literal["creating", "starting", "running", "idle", "stopping", "stopped", "failed"]

_STATUS = "/opt/envkit/bin/envkit-status"
_STATUS_TIMEOUT_S = 15.0  # it waits at most 3 s for each service (probes/status.py)
_HOPELESS = ("FATAL", "UNKNOWN")  # supervisord's states that it does not leave by itself
_NOT_STARTED = (125, 126, 127)  # what docker run gives when the command could not be started


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
    container: str


def environments(engine: Engine) -> tuple[Environment, ...]:
    """Return all environments as they are now."""
    return tuple(describe(engine, facts) for facts in everything(engine))


def describe(engine: Engine, facts: ContainerFacts) -> Environment:
    """Return one environment as it is now."""
    state, reason = _state(engine, facts)
    record: Mapping[str, Any] = json.loads(facts.labels.get("io.envkit.run", "{}"))
    return Environment(
        name=name_of(facts),
        state=state,
        reason=reason,
        image=str(record.get("image", facts.image)),
        url=f"{_origin(facts)}{facts.labels.get('io.envkit.base-url')}/lab",
        home=str(record.get("home", "")),
        cache=str(record.get("cache", "")),
        user=facts.user,
        created=facts.created,
        container=facts.id,
    )


def _origin(facts: ContainerFacts) -> str:
    """Return the beginning of its URLs; an older envkit's environments, on loopback, do not say it."""
    return facts.labels.get("io.envkit.origin") or f"http://127.0.0.1:{facts.labels.get('io.envkit.port')}"


def services_state(answer: Mapping[str, Any]) -> tuple[State, str]:
    """Judge what envkit-status printed."""
    if answer.get("ready"):
        idle, reason = running_reason(answer)
        return "idle" if idle else "running", reason
    if answer.get("stopping"):
        return "stopping", str(answer.get("reason", ""))
    waiting = {
        name: str(service.get("state", "?"))
        for name, service in answer.get("services", {}).items()
        if not service.get("answers")
    }
    hopeless = any(state in _HOPELESS for state in waiting.values())
    reason = ", ".join(f"{name} is {_words(state)}" for name, state in waiting.items())
    return "failed" if hopeless else "starting", reason or str(answer.get("reason", ""))


def _words(state: str) -> str:
    return "RUNNING but does not answer" if state == "RUNNING" else state


def _state(engine: Engine, facts: ContainerFacts) -> tuple[State, str]:
    if facts.state == "running":
        return _ask_inside(engine, facts)
    if facts.state == "created":
        return "creating", "`envkit up` is at it, or was interrupted: run it again"
    if facts.state == "exited" and facts.exit_code not in _NOT_STARTED:
        return "stopped", stopped_reason(engine, facts)
    if facts.state == "paused":
        return "stopped", "it was paused with the engine's own command"
    code = "" if facts.exit_code is None else f", exit code {facts.exit_code}"
    return "failed", f"the container is {facts.state}{code}"


def _ask_inside(engine: Engine, facts: ContainerFacts) -> tuple[State, str]:
    asked = ExecRequest(command=(_STATUS,), user=facts.user or None, timeout_s=_STATUS_TIMEOUT_S)
    try:
        text = engine.inside.execute(facts.id, asked).stdout.decode("utf-8", "replace")
        answer: object = json.loads(text)
    except EngineError as error:
        return "failed", error.what
    except json.JSONDecodeError:
        return "failed", "envkit-status did not answer"
    return services_state(answer if isinstance(answer, dict) else {})
