"""Every way envkit can fail, each with its exit code and its fix.

EnvkitError (1)
├─ UsageError (2)         the command line is wrong
├─ SpecError (3)          the spec is wrong; names file:line:column
├─ PlanError (4)          a template or a plan cannot be made
├─ EngineError (5)        the container engine failed
├─ HostError (6)          a machine failed, or lacks something
├─ AcceleratorError (7)   a card is absent, taken or does not fit
├─ RunError (8)           the run itself, or a check of it, failed
├─ VerifyError (9)        an image does not work
└─ Interrupted (130)      the user asked to stop
"""

from __future__ import annotations


class EnvkitError(Exception):
    """What went wrong, and what to do about it."""

    exit_code = 1

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class UsageError(EnvkitError):
    """The command line is wrong."""

    exit_code = 2


class SpecError(EnvkitError):
    """The spec is wrong; `what` names file:line:column."""

    exit_code = 3


class PlanError(EnvkitError):
    """A template or a plan cannot be made."""

    exit_code = 4


class EngineError(EnvkitError):
    """The container engine failed."""

    exit_code = 5


class HostError(EnvkitError):
    """A machine failed, or lacks something."""

    exit_code = 6


class AcceleratorError(EnvkitError):
    """A card is absent, taken or does not fit."""

    exit_code = 7


class RunError(EnvkitError):
    """The run itself, or a check of it, failed."""

    exit_code = 8


class VerifyError(EnvkitError):
    """An image does not work."""

    exit_code = 9


class Interrupted(EnvkitError):
    """The user asked to stop."""

    exit_code = 130
