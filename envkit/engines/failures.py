"""How an engine fails, where it matters which way."""

from __future__ import annotations

from envkit.errors import EngineError


class NoEngine(EngineError):
    """None answers where engines usually listen, and the user named none."""


class NotAllowed(EngineError):
    """There is an engine, and this user may not talk to it."""


class LinkLost(EngineError):
    """The connection broke, or no answer came in time: nobody knows whether the engine has acted."""


class NotThere(EngineError):
    """The container is gone: somebody removed it."""


class NameTaken(EngineError):
    """A container of that name is there already, ours or not."""


class PortTaken(EngineError):
    """The port of the host is in use."""


class LimitRefused(EngineError):
    """The engine may not lift a process's limits: it is rootless, or in a container itself."""


class BuildFailed(EngineError):
    """A build did not end with an image; `what` names the step, its last lines and the log."""


class RegistryFailed(EngineError):
    """A registry refused, or broke off; `kind` says how, `again` whether asking again can help."""

    def __init__(self, what: str, *, fix: str, kind: str, again: bool) -> None:
        super().__init__(what, fix=fix)
        self.kind, self.again = kind, again
