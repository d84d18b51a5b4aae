"""Everything that `doctor` looks at on a machine, this one or a host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from envkit import compat
from envkit.doctor.cards import Held, judge_cards, kinds_of
from envkit.doctor.engine import judge_engine
from envkit.doctor.engine_host import judge_on_host, no_engine
from envkit.doctor.finding import Finding, Outcome, worst
from envkit.doctor.holes import judge_versions
from envkit.doctor.images import judge_images
from envkit.doctor.look import look
from envkit.doctor.machine import judge_machine
from envkit.doctor.seen import Seen
from envkit.engines.base import Engine
from envkit.engines.values import EngineFacts
from envkit.environment.machine import find_cards
from envkit.errors import EngineError
from envkit.hosts.base import Host

Connect = Callable[[Host], Engine]


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What came of it."""

    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        """Return how all of it is."""
        return worst(self.findings)


def examine(host: Host, connect: Connect, now: float) -> Examination:
    """Look at everything; `now` is this machine's clock. HostError when the machine cannot be asked."""
    try:
        engine = connect(host)
        facts = engine.facts()
    except EngineError as error:
        seen = look(host, "")
        machine = judge_machine(seen, now, data_moment())
        cards = judge_cards(seen, None, cards_of(host, seen))
        return Examination(findings=(no_engine(error, seen), *machine, *cards))
    seen = look(host, facts.storage_root if facts.local else "")
    held = cards_of(host, seen)
    return Examination(
        findings=(
            *judge_facts(facts, engine.builder.client, seen),
            *judge_machine(seen, now, data_moment()),
            *judge_cards(seen, facts, held),
            *(judge_images(engine, held) if facts.local else ()),
        )
    )


def cards_of(host: Host, seen: Seen) -> Held:
    """Ask the makers' tools, where there are cards."""
    return {kind: find_cards(host, kind).cards for kind in kinds_of(seen)}


def judge_facts(facts: EngineFacts, buildkit: str | None, seen: Seen) -> tuple[Finding, ...]:
    """Judge an engine that answers, on its machine."""
    root = seen.disks.get("root")
    versions = {"docker": facts.version, **facts.setup.parts} if facts.kind == "docker" else {}
    if toolkit := seen.words.get("toolkit"):
        versions["nvidia-container-toolkit"] = toolkit.rpartition(" ")[2]
    return (
        *judge_engine(facts, buildkit, root.free_bytes if root else None),
        *judge_versions(versions, {"authorization": bool(facts.setup.authorization)}),
        *(judge_on_host(facts, seen) if facts.local else ()),
    )


def data_moment() -> float:
    """Return when envkit's newest data was written: no clock can be before it."""
    table: dict[str, Any] = compat.table("host/holes")
    return datetime.fromisoformat(table["dated"]).replace(tzinfo=timezone.utc).timestamp()
