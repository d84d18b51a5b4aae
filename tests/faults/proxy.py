"""A proxy before the engine's socket that breaks what it is told to break, with the real engine behind it.

Rules go by method, path and occurrence. One connection carries one request (both sides are told to close
it after the answer), so that bytes can be handed on as they come: chunked streams, and connections that
become a two-way pipe (exec, attach, BuildKit's session).
"""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_PART = 1 << 16
_END = b"\r\n\r\n"

Do = Literal[
    "fail",  # answer with `status` and `text`; the engine hears nothing
    "delay",  # wait `seconds`, then go on as usual
    "cut-before",  # close the connection; the engine hears nothing
    "cut-after",  # the engine acts; its answer is lost
    "cut-reply",  # close after the answer's head and `size` bytes more
    "hang-before",  # the engine hears nothing, and nobody answers
    "hang-after",  # the engine acts, and nobody answers
    "drip",  # hand the answer on `size` bytes at a time, with `seconds` between
    "block-before",  # wait for `go`, then go on as usual; `reached` tells that it waits
    "block-after",  # the engine acts; its answer waits for `go`
]


@dataclass(kw_only=True)
class Rule:
    """What to do with which request: `path` is a pattern for the path without its version."""

    do: Do
    method: str
    path: str
    occurrence: int = 1  # the first such request is 1
    always: bool = False  # with all later ones too
    status: int = 500
    text: str = "made to fail"
    seconds: float = 0.0
    size: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    met: int = 0

    def fits(self, method: str, path: str) -> bool:
        """Count a request; tell whether it is this rule's."""
        if method != self.method or not re.fullmatch(self.path, path):
            return False
        self.met += 1
        return self.met == self.occurrence or (self.always and self.met > self.occurrence)


class Proxy:
    """Listens at a socket of its own; `seen` holds every request as `METHOD path`."""

    def __init__(self, listen: Path, engine: str) -> None:
        self.url = f"unix://{listen}"
        self.rules: list[Rule] = []
        self.seen: list[str] = []
        self._engine = engine
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(listen))
        self._server.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def break_at(self, rule: Rule) -> Rule:
        """Add a rule, and forget what was met before."""
        with self._lock:
            self.rules.append(rule)
        return rule

    def mend(self) -> None:
        """Let everything through again, what waits too, and forget what was seen."""
        with self._lock:
            rules, self.rules, self.seen = self.rules, [], []
        for rule in rules:
            rule.go.set()

    def close(self) -> None:
        """End every connection, and listen no more."""
        self._over.set()
        self.mend()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for one in list(self._open):
            _end(one)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        engine = socket.socket(socket.AF_UNIX)
        self._open |= {client, engine}
        try:
            head, rest = _head(client)
            if head:
                rule = self._rule_for(head)
                engine.connect(self._engine)
                _Exchange(client, engine, rule, self._over).run(head, rest)
        except OSError:
            pass  # one side has gone: the other is told by the end of its connection
        finally:
            self._open -= {client, engine}
            _end(client)
            _end(engine)

    def _rule_for(self, head: bytes) -> Rule | None:
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        path = re.sub(r"^/v\d+\.\d+(?=/)", "", target.partition("?")[0])
        with self._lock:
            self.seen.append(f"{method} {path}")
            fitting = [rule for rule in self.rules if rule.fits(method, path)]
        return fitting[0] if fitting else None


class _Exchange:
    """One request and its answer, broken as the rule says."""

    def __init__(
        self, client: socket.socket, engine: socket.socket, rule: Rule | None, over: threading.Event
    ) -> None:
        self._client, self._engine, self._over = client, engine, over
        self._rule = rule or Rule(do="delay", method="", path="")

    def run(self, head: bytes, rest: bytes) -> None:
        """Hand one request and its answer on, as far as the rule lets them."""
        steps: dict[str, Callable[[], bool]] = {
            "fail": self._fail,
            "delay": self._delay,
            "cut-before": lambda: False,
            "hang-before": self._hang,
            "block-before": self._block,
        }
        if not steps.get(self._rule.do, lambda: True)():
            return
        upgrade = b"\r\nupgrade:" in head.lower()
        self._engine.sendall((head if upgrade else _closing(head)) + rest)
        pump = threading.Thread(target=_pump, args=(self._client, self._engine), daemon=True)
        pump.start()
        answer, more = _head(self._engine)
        after: dict[str, Callable[[], bool]] = {
            "cut-after": lambda: False,
            "hang-after": self._hang,
            "block-after": self._block,
        }
        if not after.get(self._rule.do, lambda: True)():
            return
        self._hand_on(answer if upgrade else _closing(answer), more)
        if upgrade and self._rule.do != "cut-reply":
            pump.join()  # its own end may come later than the engine's

    def _fail(self) -> bool:
        body = f'{{"message": "{self._rule.text}"}}'.encode()
        head = f"HTTP/1.1 {self._rule.status} Broken\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self._client.sendall(head.encode() + body)
        return False

    def _delay(self) -> bool:
        return not self._over.wait(self._rule.seconds) if self._rule.seconds else True

    def _hang(self) -> bool:
        """Wait until the client has had enough."""
        self._rule.reached.set()
        while not (self._over.is_set() or self._rule.go.is_set() or _gone(self._client)):
            time.sleep(0.02)
        return False

    def _block(self) -> bool:
        """Wait for `go`; tell whether the client is still there."""
        self._rule.reached.set()
        self._rule.go.wait()
        return not (self._over.is_set() or _gone(self._client))

    def _hand_on(self, head: bytes, part: bytes) -> None:
        self._client.sendall(head)
        left = self._rule.size
        part = part or self._engine.recv(_PART)
        while part:
            if self._rule.do == "drip":
                self._drip(part)
            elif self._rule.do == "cut-reply":
                self._client.sendall(part[:left])
                left -= len(part)
                if left <= 0:
                    return
            else:
                self._client.sendall(part)
            part = self._engine.recv(_PART)
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)

    def _drip(self, part: bytes) -> None:
        for at in range(0, len(part), self._rule.size):
            self._client.sendall(part[at : at + self._rule.size])
            time.sleep(self._rule.seconds)


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return a message's head, and what came with it; empty when the other side has gone."""
    got = b""
    while _END not in got:
        part = connection.recv(_PART)
        if not part:
            return got, b""
        got += part
    head, _, rest = got.partition(_END)
    return head + _END, rest


def _closing(head: bytes) -> bytes:
    """Return the head of a message that is the last of its connection."""
    lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close"]) + _END if lines else b""


def _gone(client: socket.socket) -> bool:
    """Tell whether the other side has closed; what it has sent before may still be unread."""
    poll = select.poll()
    poll.register(client, select.POLLHUP)
    return bool(poll.poll(0))


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(_PART):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
