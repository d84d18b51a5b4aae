"""Whether anybody uses an environment, how long it is to be kept, and why it stopped: asked inside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts, ExecRequest
from envkit.environment.lookup import chosen, name_of
from envkit.errors import EngineError, UsageError
from envkit.plan.durations import about

PROGRAM = "/opt/envkit/bin/envkit-idle"
_TIMEOUT_S = 90.0  # it asks each service (3 s), and twice the cards' tools (20 s, probes/idle_cards.py)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One kind of use."""

    name: str
    value: str
    active: bool
    failed: bool
    quiet_s: float | None  # None: nobody has watched long enough to know


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What an environment knows of its use, and what follows."""

    name: str
    state: str  # active, kept, quiet, idle, stop
    why: str
    idle_after_s: float | None  # None: it never stops by itself
    stops_in_s: float | None
    kept_s: float
    signals: tuple[Signal, ...]


def explain(engine: Engine, name: str | None) -> Explained:
    """Look now, and tell every signal; UsageError when it does not run."""
    facts = chosen(engine, name)
    answer = _ask(engine, facts, "explain")
    try:
        told: dict[str, Any] = json.loads(answer)
        signals = tuple(
            Signal(**{key: signal[key] for key in Signal.__dataclass_fields__}) for signal in told["signals"]
        )
        known = {key: told[key] for key in ("state", "why", "idle_after_s", "stops_in_s", "kept_s")}
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"environment {name_of(facts)} does not tell how it is used: {answer[:_LONGEST]!r}",
            fix="build its image again with this envkit: `envkit build`",
        ) from error
    return Explained(name=name_of(facts), signals=signals, **known)


def keep(engine: Engine, name: str | None, seconds: float) -> str:
    """Keep it for so long from now (0: no longer) and return its name; UsageError when it never stops."""
    facts = chosen(engine, name)
    if idle_stop_s(facts) is None:
        raise UsageError(
            f"environment {name_of(facts)} never stops by itself: there is nothing to postpone",
            fix="`envkit up --idle-stop 2h` makes one that does",
        )
    _ask(engine, facts, "keep", f"{seconds:g}")
    return name_of(facts)


def say_stopped(engine: Engine, facts: ContainerFacts) -> None:
    """Tell an environment that it is stopped on purpose, so that its engine does not start it again.

    Only where --idle-stop changed how the engine restarts it; one that does not listen is stopped as well.
    """
    if facts.state != "running" or idle_stop_s(facts) is None:
        return
    try:
        _ask(engine, facts, "ended", "stopped by `envkit stop`")
    except (EngineError, UsageError):
        return


def idle_stop_s(facts: ContainerFacts) -> float | None:
    """Return after how long without use it stops, as it was made; None: never."""
    found: object = json.loads(facts.labels.get("io.envkit.run", "{}")).get("idle_stop_s")
    return float(found) if isinstance(found, int | float) else None


def running_reason(answer: Mapping[str, Any]) -> tuple[bool, str]:
    """Return whether envkit-status calls it idle, and what is to be said beside its state."""
    idle = answer.get("idle") or {}
    state, stops_in = idle.get("state"), idle.get("stops_in_s")
    if state in ("idle", "stop") and isinstance(stops_in, int | float):
        return True, f"nobody uses it: stops in {about(stops_in)}"
    return False, _clean(str(idle.get("why", ""))) if state == "kept" else ""


def stopped_reason(engine: Engine, facts: ContainerFacts) -> str:
    """Return why a stopped environment ended, if it said so itself."""
    if idle_stop_s(facts) is None or facts.exit_code != 0:
        return ""
    text = engine.inside.get(facts.id, f"/tmp/envkit-{facts.user.partition(':')[0]}/ended.json")
    try:
        said: object = json.loads(text or b"{}")
    except ValueError:
        return ""
    return _clean(str(said.get("reason", ""))) if isinstance(said, dict) else ""


def _ask(engine: Engine, facts: ContainerFacts, *words: str) -> str:
    name = name_of(facts)
    if facts.state != "running":
        raise UsageError(f"environment {name} does not run", fix=f"`envkit start {name}` starts it")
    asked = ExecRequest(command=(PROGRAM, *words), user=facts.user or None, timeout_s=_TIMEOUT_S)
    done = engine.inside.execute(facts.id, asked)
    if done.code:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"]
        raise EngineError(
            f"environment {name}: envkit-idle failed: {_clean(said[-1])}",
            fix="an image of an older envkit has none: build it again with `envkit build`",
        )
    return done.stdout.decode("utf-8", "replace")


def _clean(text: str) -> str:
    """Return a container's words without what would move a terminal's cursor."""
    return _CONTROL.sub(" ", text)[:_LONGEST]
