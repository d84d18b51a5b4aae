"""Read what an environment prints, now and as it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

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
    asked = request.log
    if request.service and asked.tail:
        asked = _since_last(engine, facts.id, request)
    if asked.follow:
        batches: Iterator[Batch] = Follower(engine, facts.id, report).follow(asked)
    else:
        batches = engine.watch.log(facts.id, asked)
    if request.service is None:
        return batches
    return _of_service(batches, mark_of(request.service))


def mark_of(service: str) -> bytes:
    """Return what stands before each line of a service (probes/supervise_lines.py puts it there)."""
    return f"{service} | ".encode()


def _since_last(engine: Engine, container: str, request: ReadRequest) -> LogRequest:
    """Ask for the log since the last so many lines of the service: the engine would count all lines."""
    before = replace(request.log, follow=False, tail=None)
    batches = _of_service(engine.watch.log(container, before), mark_of(request.service or ""))
    last = deque((line.time_ns for batch in batches for line in batch), maxlen=request.log.tail)
    return replace(request.log, tail=None, since_ns=last[0] if last else request.log.since_ns)


def _of_service(batches: Iterator[Batch], mark: bytes) -> Iterator[Batch]:
    for batch in batches:
        found = tuple(
            LogLine(line.time_ns, line.stream, line.text.removeprefix(mark))
            for line in batch
            if line.text.startswith(mark)
        )
        if found:
            yield found
