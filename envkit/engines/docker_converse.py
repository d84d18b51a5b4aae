"""A conversation with a command in a container, whose input and output are the caller's own."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from envkit.engines.docker_exec import HEADER, NOT_NOW, PART, refuse_tls
from envkit.engines.values import Ends
from envkit.errors import EngineError

# How soon a terminal's new size is seen; a look costs one ioctl.
_LOOK_S = 0.3
_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


@dataclass
class Conversation:
    """One connection to a command; `resize` takes (columns, rows) and tells whether it could."""

    connection: socket.socket
    ends: Ends
    resize: Callable[[int, int], bool]
    received: bytearray = field(default_factory=bytearray)
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    size: tuple[int, int] | None = None

    def hold(self, early: bytes) -> None:
        """Hand input in and output out until the command's output ends; EngineError when it is cut."""
        if self.ends.stdin is not None and self.ends.size is None:
            refuse_tls(self.connection)
        self._take(early)
        # No epoll: it takes no regular file, which stdin may be.
        with selectors.SelectSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            if self.ends.stdin is not None:
                selector.register(self.ends.stdin, selectors.EVENT_READ)
            while self._step(selector):
                pass
        if self.received:
            raise EngineError(
                "the engine cut the command's output", fix="what was started may still run there: look"
            )

    def _step(self, selector: selectors.BaseSelector) -> bool:
        """Wait for one side to move; tell whether the output goes on."""
        self._look_at_size()
        for key, mask in selector.select(_LOOK_S if self.ends.size else None):
            if key.fileobj == self.ends.stdin:
                self._read_input(selector)
                continue
            if mask & selectors.EVENT_WRITE:
                self._send(selector)
            if mask & selectors.EVENT_READ and self._receive():
                return False
        return True

    def _read_input(self, selector: selectors.BaseSelector) -> None:
        """Take a part of the input; the next one is read when it has been sent."""
        assert self.ends.stdin is not None
        selector.unregister(self.ends.stdin)
        part = os.read(self.ends.stdin, PART)
        if part:
            self.unsent = memoryview(part)
            selector.modify(self.connection, _BOTH)
        elif self.ends.size is None:
            with suppress(OSError):  # it has ended in the meantime
                self.connection.shutdown(socket.SHUT_WR)

    def _send(self, selector: selectors.BaseSelector) -> None:
        try:
            self.unsent = self.unsent[self.connection.send(self.unsent) :]
        except NOT_NOW:
            return
        except (BrokenPipeError, ConnectionResetError):
            self.unsent = memoryview(b"")  # a command may end before it has read all
            selector.modify(self.connection, selectors.EVENT_READ)
            return
        if not self.unsent:
            selector.modify(self.connection, selectors.EVENT_READ)
            selector.register(self.ends.stdin, selectors.EVENT_READ)  # type: ignore[arg-type]  # it came from there

    def _receive(self) -> bool:
        """Hand on what there is; tell whether that was the end."""
        with suppress(*NOT_NOW):
            while part := self.connection.recv(PART):
                self._take(part)
            return True
        return False

    def _take(self, part: bytes) -> None:
        """Hand output on: as it is from a terminal, else out of its frames."""
        if self.ends.size is not None:
            if part:
                self.ends.write(1, part)
            return
        self.received += part
        while len(self.received) >= HEADER.size:
            which, length = HEADER.unpack_from(self.received)
            end = HEADER.size + length
            if len(self.received) < end:
                return
            self.ends.write(which, bytes(self.received[HEADER.size : end]))
            del self.received[:end]

    def _look_at_size(self) -> None:
        if self.ends.size is None:
            return
        now = self.ends.size()
        if now != self.size and self.resize(*now):
            self.size = now
