"""What a smoke test found: values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "failed", "warned", "skipped"]
Facts = Mapping[str, Any]  # raw numbers, as a probe printed them


@dataclass(frozen=True, kw_only=True)
class Result:
    """One check's verdict, with the numbers that it rests on."""

    id: str
    outcome: Outcome
    figure: str  # what was measured, in a few words; "" when nothing was
    reason: str = ""  # why it is no pass; or what a pass does not say
    seconds: float = 0.0
    facts: Facts = field(default_factory=dict)
    speeds: Mapping[str, float] = field(default_factory=dict)  # more is better
    words: str = ""  # the last words of what failed


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What was tested, on which machine: what must be the same for figures to be compared."""

    machine: str  # a name that says nothing about it: a hash
    processor: str
    cpus: int
    kind: str = ""  # torch's word for the device; "" until it was seen
    cards: tuple[str, ...] = ()
    torch: str = ""
    python: str = ""


@dataclass(frozen=True, kw_only=True)
class Slower:
    """A figure that fell behind the baseline's."""

    id: str
    what: str
    now: float
    before: float
    allowed: float  # the share of the earlier figure that may be lost

    def __str__(self) -> str:
        """Return it as a person reads it."""
        lost = 100 * (1 - self.now / self.before)
        allowed = f"{lost:.0f} % less, {100 * self.allowed:.0f} % are allowed"
        return f"{self.id} has {self.now:g} {self.what}, it had {self.before:g}: {allowed}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """All of it."""

    target: str
    tier: str
    subject: Subject
    results: tuple[Result, ...]
    seconds: float
    slower: tuple[Slower, ...] = ()

    @property
    def failed(self) -> tuple[Result, ...]:
        """Return what failed."""
        return tuple(one for one in self.results if one.outcome == "failed")

    @property
    def passed(self) -> bool:
        """Tell whether nothing failed, and something passed."""
        return not self.failed and not self.slower and any(one.outcome == "passed" for one in self.results)
