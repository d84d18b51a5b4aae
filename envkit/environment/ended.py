"""What state an environment is in whose container does not run, and why, told as exactly as is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from envkit.container.wait import last_line, likely_cause
from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts
from envkit.environment.idle import stopped_reason

Ended = Literal["creating", "stopping", "stopped", "failed"]

_PLAIN: Mapping[str, tuple[Ended, str]] = {
    "created": ("creating", "`envkit up` is at it, or was interrupted: run it again"),
    "removing": ("stopping", "it is being removed"),
    "paused": ("stopped", "it was paused with the engine's own command"),
    "dead": ("failed", "the engine could not remove it: `envkit rm` tries again"),
}
_NOT_STARTED = (125, 126, 127, 128)  # what the engine gives when the command could not be started
_KILLED = 137  # 128 + SIGKILL
# How an environment ends that was told to: by itself, or by SIGINT, SIGTERM, or SIGKILL after its grace.
_TOLD_TO = (0, 130, 143, _KILLED)


def ended_state(engine: Engine, facts: ContainerFacts) -> tuple[Ended, str]:
    """Return the state of what does not run, and its reason."""
    if facts.state in _PLAIN:
        state, reason = _PLAIN[facts.state]
        return state, facts.error or reason
    if facts.state == "restarting":
        return "failed", f"it ends again and again ({facts.restarts} times), with {_end(engine, facts)}"
    if facts.exit_code in _NOT_STARTED:
        return "failed", f"its command could not be started: {facts.error or _end(engine, facts)}"
    if is_out_of_memory(facts):
        return "failed", f"out of memory: the kernel ended it{_limit(facts)}"
    if facts.exit_code in _TOLD_TO:
        return "stopped", stopped_reason(engine, facts) or memory_word(facts) or _late(facts)
    return "failed", _end(engine, facts)


def is_out_of_memory(facts: ContainerFacts) -> bool:
    """Tell whether the want of memory ended it, and not only something in it.

    The engine's flag alone is wrong both ways: it is set for a child whose parent went on (facts of
    reliability.md, section 0, row 11), and a plain SIGKILL has the same exit code.
    """
    return facts.oom_killed and facts.exit_code == _KILLED


def memory_word(facts: ContainerFacts) -> str:
    """Return what is to be said when something in it, which is not all of it, ran out of memory."""
    if not facts.oom_killed or is_out_of_memory(facts):
        return ""
    return f"the kernel ended a process in it, out of memory{_limit(facts)}"


def _late(facts: ContainerFacts) -> str:
    return "it was killed: it did not end in time, or somebody did it" if facts.exit_code == _KILLED else ""


def _limit(facts: ContainerFacts) -> str:
    limit = json.loads(facts.labels.get("io.envkit.run", "{}")).get("memory_mib")
    return f" (its limit is {limit} MiB)" if limit else ""


def _end(engine: Engine, facts: ContainerFacts) -> str:
    said = last_line(engine, facts.id)
    if not said:
        return f"exit code {facts.exit_code}; it printed nothing"
    known = likely_cause(engine, facts.id)
    means = f"; likely: {known.cause} (fix: {known.fix})" if known else ""
    return f"exit code {facts.exit_code}; it said: {said}{means}"
