"""What environments use: CPU, memory and, inside them, their cards."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.cards import CardUse
from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts, ExecRequest, Usage
from envkit.environment.lookup import everything, name_of, running
from envkit.errors import EngineError

_SIDE_BY_SIDE = 8  # as `ps` (environment/states.py)
_SMI_TIMEOUT_S = 30.0  # nvidia-smi wakes sleeping cards first


@dataclass(frozen=True, kw_only=True)
class Used:
    """What one environment uses."""

    name: str
    cpu_percent: float | None  # 100 is one core; None: it ended meanwhile
    memory_bytes: int
    limit_bytes: int  # the machine's memory when it has no limit
    processes: int
    cards: tuple[CardUse, ...] = ()
    note: str = ""  # why no card is shown


def watch(engine: Engine, name: str | None, every_s: float) -> Iterator[tuple[Used, ...]]:
    """Yield what the named environment, or each that runs, has used in the last moment, again and again."""
    before: dict[str, Usage] = {}
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        while True:
            found = (running(engine, name),) if name else _running(engine)
            looks = zip(found, pool.map(lambda facts: engine.watch.usage(facts.id), found), strict=True)
            now = [(facts, use) for facts, use in looks if use]
            if before or not found:
                both = ((facts, before[facts.id], use) for facts, use in now if facts.id in before)
                yield tuple(pool.map(lambda one: _used(engine, *one), both))
            before = {facts.id: use for facts, use in now}
            time.sleep(every_s)


def _running(engine: Engine) -> tuple[ContainerFacts, ...]:
    return tuple(facts for facts in everything(engine) if facts.state == "running")


def _used(engine: Engine, facts: ContainerFacts, before: Usage, now: Usage) -> Used:
    passed_ns = now.taken_ns - before.taken_ns
    cards, note = _cards(engine, facts)
    return Used(
        name=name_of(facts),
        cpu_percent=round(100 * (now.cpu_ns - before.cpu_ns) / passed_ns, 1) if passed_ns > 0 else None,
        memory_bytes=now.memory_bytes,
        limit_bytes=now.limit_bytes,
        processes=now.processes,
        cards=cards,
        note=note,
    )


def _cards(engine: Engine, facts: ContainerFacts) -> tuple[tuple[CardUse, ...], str]:
    """Ask the tool of the cards that it was given; and say why there is nothing to be seen."""
    device = str(json.loads(facts.labels.get("io.envkit.run", "{}")).get("device", "cpu"))
    accelerator = ACCELERATORS.get(device.partition(":")[0])
    if accelerator is None or not accelerator.use_command:
        return (), "no card"
    tool = accelerator.use_command[0]
    try:
        done = engine.inside.execute(
            facts.id, ExecRequest(command=accelerator.use_command, timeout_s=_SMI_TIMEOUT_S)
        )
    except EngineError as error:
        return (), error.what
    if done.code in (126, 127):
        return (), f"{device}: there is no {tool} in it to ask"
    text = done.stdout.decode("utf-8", "replace")
    cards = accelerator.cards(text)
    if not cards:
        said = (text.strip() or done.stderr.decode("utf-8", "replace").strip() or "nothing").splitlines()[0]
        return (), f"{device}: {tool} says: {said[:120]}"
    return cards, ""
