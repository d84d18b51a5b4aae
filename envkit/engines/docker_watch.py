"""What is seen of a container from outside, through the Docker SDK: its log and what it uses."""

from __future__ import annotations

import selectors
import socket
from calendar import timegm
from collections.abc import Generator, Iterable, Iterator
from functools import lru_cache
from time import strptime
from typing import Any

import docker
from docker.errors import NotFound

from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.docker_exec import HEADER, NOT_NOW, PART, taken_over
from envkit.engines.values import LogLine, LogRequest, Usage
from envkit.errors import EngineError

_SECOND = len("2026-01-01T00:00:00")
_NS = 1_000_000_000


class DockerWatch:
    """Logs and figures of containers behind the Docker API."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._api: Any = client.api  # the SDK has no types

    def log(self, container: str, request: LogRequest) -> Generator[tuple[LogLine, ...], None, None]:
        """Yield whole lines; when following, () after a silence. A cut is an EngineError."""
        # The SDK's own stream is not used: it reads without any time-out, and takes a cut for the end.
        asked = {
            "stdout": 1,
            "stderr": 1,
            "timestamps": 1,
            "follow": int(request.follow),
            "tail": "all" if request.tail is None else request.tail,
        }
        if request.since_ns is not None:
            asked["since"] = f"{request.since_ns // _NS}.{request.since_ns % _NS:09}"
        with spoken_as_ours("reading the container's log"):
            response = self._api._get(
                self._api._url("/containers/{0}/logs", container), params=asked, stream=True
            )
            self._api._raise_for_status(response)
            chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
            with taken_over(response) as (connection, early):
                parts = arriving(connection, early, request.quiet_s)
                yield from lines(unchunked(parts) if chunked else parts, whole=not request.follow)

    def usage(self, container: str) -> Usage | None:
        """Return what it uses now; None when it does not run."""
        with spoken_as_ours(f"asking what {container} uses"):
            try:
                told: dict[str, Any] = self._api.stats(container, stream=False, one_shot=True)
            except NotFound:
                return None
        memory = told.get("memory_stats") or {}
        if "usage" not in memory:
            return None
        pages = memory.get("stats") or {}
        idle = pages.get("total_inactive_file", pages.get("inactive_file", 0))  # cgroup v1; v2
        return Usage(
            taken_ns=moment(told["read"]),
            cpu_ns=int(told["cpu_stats"]["cpu_usage"]["total_usage"]),
            memory_bytes=max(0, int(memory["usage"]) - int(idle)),
            limit_bytes=int(memory.get("limit") or 0),
            processes=int((told.get("pids_stats") or {}).get("current") or 0),
        )


def arriving(connection: socket.socket, early: bytes, quiet_s: float) -> Iterator[bytes]:
    """Yield what comes on a connection, b"" after a silence, until its end."""
    if early:
        yield early
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        while True:
            try:
                part = connection.recv(PART)
            except NOT_NOW:
                if not selector.select(quiet_s):
                    yield b""
                continue
            if not part:
                return
            yield part


def unchunked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Undo HTTP's chunks (RFC 9112, section 7.1); EngineError when the last one never came."""
    waiting = bytearray()
    for part in parts:
        if not part:
            yield b""
        waiting += part
        at, whole = 0, bytearray()
        while (end := waiting.find(b"\r\n", at)) >= 0:
            size = int(waiting[at:end].split(b";")[0], 16)
            if size == 0:
                if whole:
                    yield bytes(whole)
                return
            begin = end + 2
            if len(waiting) < begin + size + 2:
                break
            whole += waiting[begin : begin + size]
            at = begin + size + 2
        del waiting[:at]
        if whole:
            yield bytes(whole)
    raise EngineError("the engine cut the container's log", fix="run the command again")


def lines(parts: Iterable[bytes], *, whole: bool) -> Iterator[tuple[LogLine, ...]]:
    """Yield the lines in a log's frames; () for a silence.

    A line without its end waits for it; when all of the log was asked for, its last line may have none.
    """
    waiting, halves = bytearray(), _Halves()
    for part in parts:
        if not part:
            yield ()
            continue
        waiting += part
        found = tuple(_whole(waiting, halves))
        if found:
            yield found
    if waiting:
        raise EngineError("the engine cut the container's log", fix="run the command again")
    if whole and (left := tuple(halves.values())):
        yield left


# Of each stream, a line whose end has not come: one over 16 KiB comes in several frames of one moment.
_Halves = dict[int, LogLine]


def _whole(waiting: bytearray, halves: _Halves) -> Iterator[LogLine]:
    """Take the complete frames away and yield their lines."""
    at = 0
    while len(waiting) >= at + HEADER.size:
        which, length = HEADER.unpack_from(waiting, at)
        begin = at + HEADER.size
        if len(waiting) < begin + length:
            break
        at = begin + length
        stamp, _, text = bytes(waiting[begin:at]).partition(b" ")
        time_ns, half = moment(stamp.decode("ascii")), halves.pop(which, None)
        if half and half.time_ns != time_ns:  # the last words of a program that ended without a newline
            yield half
            half = None
        text = half.text + text if half else text
        if text.endswith(b"\n"):
            yield LogLine(time_ns, which, text[:-1])
        else:
            halves[which] = LogLine(time_ns, which, text)
    del waiting[:at]


def moment(stamp: str) -> int:
    """Return an engine's time (RFC 3339, UTC) in nanoseconds since 1970."""
    fraction = stamp[_SECOND + 1 :].partition("Z")[0].partition("+")[0] if stamp[_SECOND] == "." else ""
    return _seconds(stamp[:_SECOND]) * _NS + int(fraction.ljust(9, "0") or 0)


@lru_cache(maxsize=8)
def _seconds(stamp: str) -> int:
    return timegm(strptime(stamp, "%Y-%m-%dT%H:%M:%S"))
