"""Run a smoke test: ask the probes, judge each answer as it comes."""

from __future__ import annotations

import difflib
import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from envkit.environment.site import Site
from envkit.errors import AcceleratorError, UsageError
from envkit.hosts.base import Command, Host
from envkit.smoke import baseline, bundle, checks, peaks
from envkit.smoke.baseline import Baseline
from envkit.smoke.checks import Check
from envkit.smoke.judge import Expected, judge
from envkit.smoke.result import Facts, Report, Result, Subject
from envkit.smoke.target import Spot, Wish, here, spot

Hear = Callable[[Result], None]


def smoke(site: Site, wish: Wish, hear: Hear, before: Baseline | None = None) -> Report:
    """Test an image or an environment; `hear` gets each result as it comes."""
    wanted = _wanted(wish)
    with spot(site, wish) as found:
        return _tested(site.host, found, (wish, wanted), hear, before)


def smoke_here(host: Host, wish: Wish, hear: Hear, before: Baseline | None = None) -> Report:
    """Test a machine's own Python, without a container."""
    return _tested(host, here(host, wish), (wish, _wanted(wish)), hear, before)


def require_device(report: Report) -> None:
    """Raise AcceleratorError when torch did not see the device that was asked for."""
    for result in report.results:
        if result.id == "device" and result.outcome == "failed" and _absent(result.facts):
            raise AcceleratorError(
                f"{report.target}: {result.reason}",
                fix="`envkit devices` shows the machine's cards; --device cpu does without",
            )


def identity(host: Host) -> str:
    """Return a name for a machine that tells nothing of it and stays the same."""
    told = host.read(Path("/etc/machine-id")) or b""
    name = host.run(Command(words=("uname", "-n"))).stdout
    return hashlib.sha256(told + name.encode()).hexdigest()[:16]


def _tested(
    host: Host, found: Spot, asked: tuple[Wish, tuple[Check, ...]], hear: Hear, before: Baseline | None
) -> Report:
    began, machine = time.monotonic(), identity(host)
    wish, wanted = asked
    if before is not None:
        baseline.refuse_other_machine(before, machine, wish.tier)
    listener = _Listener(found, wanted, hear)
    programs, planned = bundle.sources(), [check.planned(wish.tier) for check in wanted]
    given = bundle.bundle(programs, planned, found.kind, found.ids)
    listener.end(found.place.run(bundle.program(programs), given, listener.line))
    report = Report(
        target=found.title,
        tier=wish.tier,
        subject=replace(listener.subject, machine=machine),
        results=tuple(listener.results),
        seconds=round(time.monotonic() - began, 1),
    )
    return report if before is None else replace(report, slower=baseline.compare(before, report))


def _wanted(wish: Wish) -> tuple[Check, ...]:
    known = checks.names()
    for name in wish.only:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            fix = f"did you mean {' or '.join(near)}?" if near else f"the checks are {', '.join(known)}"
            raise UsageError(f"there is no check {name!r}", fix=fix)
    return checks.of_tier(wish.tier, wish.only)


class _Listener:
    """Judges each line, and learns from it what the next ones are held against."""

    def __init__(self, found: Spot, wanted: tuple[Check, ...], hear: Hear) -> None:
        self._expected = Expected(kind=found.kind, count=found.count, names=found.names)
        self._waiting = [check.id for check in wanted]
        self._hear = hear
        self.results: list[Result] = []
        self.subject = Subject(machine="", processor="", cpus=0)

    def line(self, text: str) -> None:
        """Take a line of what the probes printed."""
        told = bundle.heard(text)
        if told is None:
            return
        if "machine" in told:
            self._learn(told["machine"])
        if "check" in told:
            self._take(str(told["check"]), told["facts"], float(told["seconds"]))

    def end(self, broken: str) -> None:
        """Say of what never came that it did not."""
        if self._waiting:
            self._take(
                self._waiting[0], {"error": f"the probes ended before it: {broken or 'no word why'}"}, 0.0
            )
        for name in tuple(self._waiting):
            self._take(name, {"missing": "the probes ended before it"}, 0.0)

    def _take(self, name: str, facts: Facts, seconds: float) -> None:
        if name == "device" and "cards" in facts:
            self._see(facts)
        if name in self._waiting:
            self._waiting.remove(name)
        result = judge(name, facts, seconds, self._expected)
        if name == "import" and result.outcome == "passed":
            self.subject = replace(self.subject, torch=str(facts.get("torch", "")))
        self.results.append(result)
        self._hear(result)

    def _learn(self, told: Facts) -> None:
        self.subject = replace(
            self.subject,
            processor=str(told.get("processor", "")),
            cpus=int(told.get("cpus", 0)),
            python=str(told.get("python", "")),
        )

    def _see(self, facts: Facts) -> None:
        cards: list[Any] = list(facts["cards"])
        names = tuple(str(card["name"]) for card in cards)
        self.subject = replace(self.subject, kind=str(facts["kind"]), cards=names)
        name = names[0] if names else ""
        peak = peaks.of(name) if name else None
        self._expected = replace(self._expected, kind=str(facts["kind"]), name=name, peak=peak)


def _absent(facts: Facts) -> bool:
    cards, ids = facts.get("cards"), facts.get("ids")
    return cards is not None and (not cards or (ids is not None and len(cards) < len(ids)))
