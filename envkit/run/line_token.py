"""The token of the line between a run's nodes: in memory on each, and brought again by who follows the run.

A container that the engine starts again has an empty /run/secrets; its supervisor waits. The token is in the
memory of who started the run, and in that of the nodes that were not lost.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from envkit.container.deliver import deliver
from envkit.engines.values import ExecRequest
from envkit.environment.site import Site
from envkit.errors import EngineError, HostError
from envkit.plan.run_plan import SECRETS

NAME = "envkit-link"
FILE = f"{SECRETS}/{NAME}"
_READ_S = 20.0


def new_token() -> bytes:
    """Return a token that nobody has."""
    return secrets.token_hex(32).encode()


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A node's container, as it is asked."""

    site: Site
    container: str


@dataclass
class Bearer:
    """Knows the token, or finds it out, and brings it to who has not got it."""

    holders: Sequence[Holder]
    token: bytes | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bring(self, to: Holder) -> bool:
        """Let a node have the run's token; False while its container does not run."""
        with self._lock:
            facts = to.site.engine.containers.inspect(to.container)
            if facts is None or facts.state != "running":
                return False
            own = _held(to)
            if self.token is None:
                self.token = own or self._found(to) or new_token()
            if own != self.token:
                deliver(to.site.engine, to.container, {NAME: self.token}, user=facts.user)
            return True

    def _found(self, but: Holder) -> bytes | None:
        for one in self.holders:
            with suppress(EngineError, HostError):  # it may be the one that is lost
                if one is not but and (token := _held(one)):
                    return token
        return None


def _held(one: Holder) -> bytes | None:
    facts = one.site.engine.containers.inspect(one.container)
    if facts is None or facts.state != "running":
        return None
    asked = ExecRequest(command=("cat", "--", FILE), user=facts.user or None, timeout_s=_READ_S)
    done = one.site.engine.inside.execute(one.container, asked)
    return done.stdout if done.code == 0 and done.stdout else None
