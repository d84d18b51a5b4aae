"""What is seen of containers in memory: lines by script, figures by script."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from envkit.engines.fake_containers import FakeContainers
from envkit.engines.values import LogLine, LogRequest, Usage

Stream = Callable[[LogRequest], Iterator[tuple[LogLine, ...]]]
_SECOND_NS = 1_000_000_000  # between the lines of what a container printed


@dataclass
class FakeWatch:
    """Logs and figures; `streams` are what the next followed logs give, `requests` what was asked for."""

    containers: FakeContainers
    lines: dict[str, list[LogLine]] = field(default_factory=dict)  # by id, instead of what was printed
    streams: list[Stream] = field(default_factory=list)
    usages: dict[str, list[Usage]] = field(default_factory=dict)  # by id, one after the other
    requests: list[LogRequest] = field(default_factory=list)

    def log(self, container: str, request: LogRequest) -> Generator[tuple[LogLine, ...], None, None]:
        """Yield what there is; a followed log ends at once, unless `streams` says what comes."""
        facts = self.containers.require(container)
        self.requests.append(request)
        if request.follow and self.streams:
            yield from self.streams.pop(0)(request)
            return
        since = request.since_ns or 0
        found = [line for line in self._lines(facts.id) if line.time_ns >= since]
        if request.tail is not None:
            found = found[len(found) - min(request.tail, len(found)) :]
        if found:
            yield tuple(found)

    def usage(self, container: str) -> Usage | None:
        """Return the next of its figures, the last one again and again; None when it does not run."""
        facts = self.containers.inspect(container)
        if facts is None or facts.state != "running":
            return None
        told = self.usages.get(facts.id, [])
        if not told:
            return Usage(taken_ns=0, cpu_ns=0, memory_bytes=0, limit_bytes=0, processes=1)
        return told.pop(0) if len(told) > 1 else told[0]

    def _lines(self, identity: str) -> list[LogLine]:
        if identity in self.lines:
            return self.lines[identity]
        printed = self.containers.printed.get(identity, b"").splitlines()
        return [LogLine(number * _SECOND_NS, 1, text) for number, text in enumerate(printed, start=1)]
