"""Look at a host over SSH step by step: the way to it, its programs, its engine, its disk, its cards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from envkit.doctor.cards import driver_of, names_of
from envkit.doctor.engine import disk
from envkit.doctor.examine import cards_of
from envkit.doctor.finding import Finding
from envkit.doctor.look import look
from envkit.doctor.machine import judge_clock
from envkit.engines.base import Engine
from envkit.engines.values import EngineFacts
from envkit.errors import EngineError, EnvkitError, HostError
from envkit.hosts.base import Command, Host
from envkit.hosts.failures import ChangedKey, LoginRefused, UnknownKey
from envkit.hosts.registry import HostFacts
from envkit.hosts.ssh import SshHost


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that was looked at."""

    name: str
    outcome: Literal["passed", "failed", "missing"]
    detail: str
    seconds: float
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What came of it; `error` is the first thing that must be mended."""

    steps: tuple[Step, ...]
    facts: HostFacts | None
    error: EnvkitError | None


Report = Callable[[Step], None]


def examine(host: SshHost, connect: Callable[[Host], Engine], report: Report) -> Examination:
    """Look at everything; what can be looked at only after a step that failed is left out."""
    notes = _Notes(report)
    try:
        host.connected(notes.passed)
    except HostError as error:
        notes.failed(_where_it_failed(error), error)
        return Examination(steps=tuple(notes.steps), facts=None, error=error)
    try:
        return _inside(host, connect, notes)
    except HostError as error:  # the connection itself
        notes.failed("connection", error)
        return Examination(steps=tuple(notes.steps), facts=None, error=error)


class _Notes:
    """Collects the steps, each with the time since the one before."""

    def __init__(self, report: Report) -> None:
        self.steps: list[Step] = []
        self._report, self._since = report, time.monotonic()

    def passed(self, name: str, detail: str) -> None:
        self._add(name, "passed", detail)

    def missing(self, name: str, detail: str) -> None:
        self._add(name, "missing", detail)

    def failed(self, name: str, error: EnvkitError) -> None:
        self._add(name, "failed", error.what, error.fix)

    def _add(
        self, name: str, outcome: Literal["passed", "failed", "missing"], detail: str, fix: str = ""
    ) -> None:
        now = time.monotonic()
        step = Step(name=name, outcome=outcome, detail=detail, seconds=now - self._since, fix=fix)
        self._since = now
        self.steps.append(step)
        self._report(step)


def _where_it_failed(error: HostError) -> str:
    if isinstance(error, UnknownKey | ChangedKey):
        return "host key"
    return "login" if isinstance(error, LoginRefused) else "reached"


def _inside(host: SshHost, connect: Callable[[Host], Engine], notes: _Notes) -> Examination:
    uid, user = _words(host, "id", "-u"), _words(host, "id", "-un")
    notes.passed("user", f"{user or uid}, uid {uid}")
    system = _system(host)
    notes.passed("system", system)
    for program in ("python3", "docker"):
        _look_for(host, program, notes)
    engine, error = _engine(host, connect, notes)
    root = engine.storage_root if engine and engine.storage_root else "/"
    seen = look(host, root)
    _judged(notes, "clock", judge_clock(seen, time.time(), 0.0))
    free = seen.disks["root"].free_bytes if "root" in seen.disks else host.free_bytes(Path(root))
    little = disk(root, free)
    _judged(notes, "disk", (little,) if little else (), f"{free / 1e9:.1f} GB free at {root}")
    held = cards_of(host, seen)
    cards, driver = names_of(held), driver_of(held, seen)
    if cards:
        notes.passed("cards", f"{_counted(cards)}{f', driver {driver}' if driver else ''}")
    else:
        notes.missing("cards", "none: CPU only")
    facts = HostFacts(
        asked_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        system=system,
        user=user,
        uid=int(uid),
        engine=f"{engine.kind} {engine.version}" if engine else "",
        architecture=engine.architecture if engine else "",
        cards=cards,
        driver=driver,
        free_bytes=free,
    )
    return Examination(steps=tuple(notes.steps), facts=facts, error=error)


def _look_for(host: SshHost, program: str, notes: _Notes) -> None:
    try:
        said = _words(host, program, "--version")
    except HostError:
        notes.missing(program, "not there; envkit itself needs none")
        return
    notes.passed(program, said.partition("\n")[0])


def _judged(notes: _Notes, name: str, findings: tuple[Finding, ...], well: str = "") -> None:
    """Note what a check that `doctor` shares found: its first problem, or that all is well."""
    problem = next((finding for finding in findings if finding.outcome != "ok"), None)
    if problem:
        notes.failed(name, HostError(problem.what, fix=problem.fix))
    else:
        notes.passed(name, well or findings[0].what)


def _engine(
    host: SshHost, connect: Callable[[Host], Engine], notes: _Notes
) -> tuple[EngineFacts | None, EnvkitError | None]:
    try:
        engine = connect(host)
        facts, client = engine.facts(), engine.builder.client
    except EngineError as error:
        notes.failed("engine", error)
        return None, error
    builds = "BuildKit builds" if client else "classic builds"
    notes.passed("engine", f"{facts.kind} {facts.version} ({facts.architecture}, {builds})")
    return facts, None


def _system(host: SshHost) -> str:
    about = (host.read(Path("/etc/os-release")) or b"").decode("utf-8", "replace")
    names = (
        line.partition("=")[2].strip('"') for line in about.splitlines() if line.startswith("PRETTY_NAME=")
    )
    return next(names, "") or _words(host, "uname", "-sr")


def _words(host: SshHost, *words: str) -> str:
    return host.run(Command(words=words, timeout_s=20.0)).stdout.strip()


def _counted(cards: tuple[str, ...]) -> str:
    """Return the cards in words: `2 x NVIDIA H100`."""
    return ", ".join(_each(cards))


def _each(cards: tuple[str, ...]) -> Iterator[str]:
    for name in dict.fromkeys(cards):
        yield f"{cards.count(name)} x {name}" if cards.count(name) > 1 else name
