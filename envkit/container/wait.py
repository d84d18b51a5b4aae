"""Wait for something in a container by name; when it does not come, quote the container's last words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from envkit.compat.failures import Failure, likely
from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts
from envkit.errors import EnvkitError

_PAUSE_S = 0.1  # ten looks a second cost nothing beside an IDE that takes seconds to start
_LAST_LINES = 20
_LOOKED_AT = 60  # lines, some of them empty
_SEARCHED = 400  # for a failure text that is known: a chained traceback is long, and the cause stands first
_LONGEST = 200  # of a line that stands beside others
_SECRET = re.compile(r"((?:token|password)[=:]\s*)\S+", re.IGNORECASE)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class NotReady(EnvkitError):
    """A container ended, or did not come to where it should be in time."""


class Gone(EnvkitError):
    """Somebody removed the container while it was waited for."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Which container is waited for, and until when (on the monotonic clock)."""

    engine: Engine
    container: str
    deadline: float

    @classmethod
    def of(cls, engine: Engine, container: str, timeout_s: float) -> Patience:
        """Start to wait now."""
        return cls(engine=engine, container=container, deadline=time.monotonic() + timeout_s)


def wait_until(patience: Patience, what: str, check: Callable[[], bool]) -> None:
    """Look until `check` says yes; NotReady when the time is over or the container has ended."""
    started = time.monotonic()
    while not check():
        refuse_ended(patience, what)
        if time.monotonic() > patience.deadline:
            waited = time.monotonic() - started
            raise NotReady(
                f"{what}: not after {waited:.0f} s{last_words(patience.engine, patience.container)}",
                fix="a slow machine may need more: --timeout SECONDS",
            )
        time.sleep(_PAUSE_S)


def last_words(engine: Engine, container: str) -> str:
    """Return the container's last lines, ready to follow a sentence; secrets are masked."""
    last = _last_lines(engine, container)
    if not last:
        return "; it printed nothing"
    return "; its last lines:\n" + "\n".join(f"    {line}" for line in last)


def last_line(engine: Engine, container: str) -> str:
    """Return the container's last words as one line, "" when there are none; secrets are masked."""
    last = _last_lines(engine, container)
    return last[-1][:_LONGEST] if last else ""


def likely_cause(engine: Engine, container: str) -> Failure | None:
    """Return what the container's last words mean, where that is known."""
    return likely(engine.inside.logs(container, tail=_SEARCHED).decode("utf-8", "replace"))


def _last_lines(engine: Engine, container: str) -> list[str]:
    text = engine.inside.logs(container, tail=_LOOKED_AT).decode("utf-8", "replace")
    lines = [_CONTROL.sub("", line).rstrip() for line in text.splitlines()]
    return [_SECRET.sub(r"\1***", line) for line in lines if line][-_LAST_LINES:]


def refuse_ended(patience: Patience, what: str) -> None:
    """Raise Gone or NotReady when the container is not there or has ended."""
    facts = patience.engine.containers.inspect(patience.container)
    if facts is None:
        raise Gone(f"{what}: the container was removed by somebody else", fix="run the command again")
    if facts.state in ("exited", "dead", "restarting"):
        said = last_words(patience.engine, patience.container)
        known = likely_cause(patience.engine, patience.container)
        means = f"\n  that is likely: {known.cause}" if known else ""
        raise NotReady(
            f"{what}: the container ended with {_code(facts)}{said}{means}",
            fix=known.fix if known else "the lines above say why; `envkit verify IMAGE` checks the image",
        )


def _code(facts: ContainerFacts) -> str:
    return "an unknown code" if facts.exit_code is None else f"exit code {facts.exit_code}"
