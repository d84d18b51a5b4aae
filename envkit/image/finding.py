"""What a check says: its outcome, the reason, how long the trying took."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.image.verdict import Outcome


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of one check."""

    outcome: Outcome
    reason: str
    seconds: float = 0.0


def passed(reason: str, seconds: float = 0.0) -> Finding:
    """Say that it works."""
    return Finding(outcome="passed", reason=reason, seconds=seconds)


def failed(reason: str, seconds: float = 0.0) -> Finding:
    """Say what does not work."""
    return Finding(outcome="failed", reason=reason, seconds=seconds)


def not_applicable(reason: str) -> Finding:
    """Say why it was not tried."""
    return Finding(outcome="not-applicable", reason=reason)


def all_of(problems: list[str], fine: str, seconds: float = 0.0) -> Finding:
    """Pass when there is no problem; else name the first three."""
    if not problems:
        return passed(fine, seconds)
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return failed("; ".join(problems[:3]) + more, seconds)
