"""What a check of a machine found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from envkit.errors import AcceleratorError, EngineError, EnvkitError, HostError

Outcome = Literal["ok", "warn", "fail"]
Domain = Literal["engine", "host", "accelerator"]

_ERRORS: dict[Domain, type[EnvkitError]] = {
    "engine": EngineError,
    "host": HostError,
    "accelerator": AcceleratorError,
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of a check; what is not ok has a fault's name and a fix."""

    check: str
    outcome: Outcome
    what: str
    fix: str = ""
    fault: str = ""
    domain: Domain = "host"


@dataclass(frozen=True, kw_only=True)
class Check:
    """Makes the findings of one check."""

    name: str
    domain: Domain

    def ok(self, what: str) -> Finding:
        """Return that all is well."""
        return Finding(check=self.name, outcome="ok", what=what, domain=self.domain)

    def warn(self, fault: str, what: str, fix: str) -> Finding:
        """Return what may go wrong."""
        return Finding(check=self.name, outcome="warn", what=what, fix=fix, fault=fault, domain=self.domain)

    def fail(self, fault: str, what: str, fix: str) -> Finding:
        """Return what does go wrong."""
        return replace(self.warn(fault, what, fix), outcome="fail")

    def all_of(self, problems: Iterable[Finding | None], well: str) -> tuple[Finding, ...]:
        """Return the problems, or one line that says what is well."""
        found = tuple(problem for problem in problems if problem is not None)
        return found or (self.ok(well),)


def worst(findings: Iterable[Finding]) -> Outcome:
    """Return the outcome of all together."""
    outcomes = {finding.outcome for finding in findings}
    return "fail" if "fail" in outcomes else "warn" if "warn" in outcomes else "ok"


def error_of(findings: Iterable[Finding]) -> EnvkitError | None:
    """Return the error of what fails, of the first one's kind; None when nothing does."""
    failed = [finding for finding in findings if finding.outcome == "fail"]
    if not failed:
        return None
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return _ERRORS[failed[0].domain](f"{failed[0].what}{more}", fix=failed[0].fix)
