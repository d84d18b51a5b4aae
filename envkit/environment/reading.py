"""Read what an environment prints, now and as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from envkit.container.following import Batch, Follower
from envkit.engines.base import Engine
from envkit.engines.values import LogLine, LogRequest
from envkit.environment.lookup import chosen


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """Which lines are wanted."""

    log: LogRequest = field(default_factory=LogRequest)
    service: str | None = None  # only this service's lines


def read_log(
    engine: Engine, name: str | None, request: ReadRequest, report: Callable[[str], None]
) -> Iterator[Batch]:
    """Yield the lines, each once; `report` hears why it waits. A followed log ends with the environment."""
    facts = chosen(engine, name)
    if request.log.follow:
        batches: Iterator[Batch] = Follower(engine, facts.id, report).follow(request.log)
    else:
        batches = engine.watch.log(facts.id, request.log)
    if request.service is None:
        return batches
    return _of_service(batches, mark_of(request.service))


def mark_of(service: str) -> bytes:
    """Return what stands before each line of a service (probes/supervise.py puts it there)."""
    return f"{service} | ".encode()


def _of_service(batches: Iterator[Batch], mark: bytes) -> Iterator[Batch]:
    for batch in batches:
        found = tuple(
            LogLine(line.time_ns, line.stream, line.text.removeprefix(mark))
            for line in batch
            if line.text.startswith(mark)
        )
        if found:
            yield found
