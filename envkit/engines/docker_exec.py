"""The conversation with a command in a container: stdin and both outputs over one connection.

The SDK's own `exec_start(socket=True)` is not used: it drops what came together with the answer's header
(2 of 180 commands lost their output on a busy machine), and a large stdin waits for ever for a command that
answers while it reads.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from envkit.engines.values import ExecRequest
from envkit.errors import EngineError

# The stream of an exec without a terminal: 1 byte which output, 3 unused, 4 length (Docker API, "attach").
HEADER = struct.Struct(">BxxxL")
_STDERR = 2
PART = 1 << 16
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@contextmanager
def upgraded(api: Any, exec_id: str, *, tty: bool = False) -> Iterator[tuple[socket.socket, bytes]]:
    """Start the command; give the connection, and what of the output came with the answer's header."""
    response = api._post_json(
        api._url("/exec/{0}/start", exec_id),
        headers={"Connection": "Upgrade", "Upgrade": "tcp"},
        data={"Tty": tty, "Detach": False},
        stream=True,
    )
    api._raise_for_status(response)
    with taken_over(response) as both:
        yield both


@contextmanager
def taken_over(response: Any) -> Iterator[tuple[socket.socket, bytes]]:
    """Give an answer's connection, not blocking, and what of its body was read with its header."""
    reader = response.raw._fp.fp
    connection: socket.socket = reader.raw._sock
    try:
        connection.setblocking(False)
        early = b""
        with suppress(*NOT_NOW):
            early = reader.peek()
        yield connection, early
    finally:
        response.close()
        reader.close()
        connection.close()  # the response leaves it open: it was upgraded


def talk(connection: socket.socket, early: bytes, request: ExecRequest) -> tuple[bytes, bytes]:
    """Send stdin and close that direction, while reading; return stdout and stderr when both have ended."""
    if request.stdin:
        refuse_tls(connection)
    deadline = time.monotonic() + request.timeout_s
    outputs, unsent = _Outputs(request.hear), memoryview(request.stdin)
    outputs.take(early)
    with selectors.DefaultSelector() as selector:
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        selector.register(connection, both if unsent else selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise _too_long(request)
            if ready[0][1] & selectors.EVENT_WRITE:
                unsent = _send(connection, unsent)
                if not unsent:
                    selector.modify(connection, selectors.EVENT_READ)
            if _receive(connection, outputs):
                return outputs.whole()


def refuse_tls(connection: socket.socket) -> None:
    """Refuse to send input where its end cannot be told: TLS cannot close one direction."""
    if isinstance(connection, ssl.SSLSocket):
        raise EngineError(
            "an engine behind TLS cannot be sent a command's input: its end cannot be told",
            fix="reach the engine through a forwarded socket: `ssh -nNT -L …`, with DOCKER_HOST=unix://…",
        )


def _send(connection: socket.socket, unsent: memoryview) -> memoryview:
    """Send a part; close the direction after the last. A command may end before it has read all."""
    try:
        unsent = unsent[connection.send(unsent[:PART]) :]
    except NOT_NOW:
        return unsent
    except (BrokenPipeError, ConnectionResetError):
        return memoryview(b"")
    if not unsent:
        with suppress(OSError):  # it has ended in the meantime
            connection.shutdown(socket.SHUT_WR)
    return unsent


def _receive(connection: socket.socket, outputs: _Outputs) -> bool:
    """Take what there is; tell whether that was the end."""
    with suppress(*NOT_NOW):
        while part := connection.recv(PART):
            outputs.take(part)
        return True
    return False


class _Outputs:
    """Stdout and stderr, which come in turns; whole lines of stdout are told as they come."""

    def __init__(self, hear: Callable[[bytes], None] | None) -> None:
        self._hear = hear
        self._raw = bytearray()
        self._outputs = (bytearray(), bytearray())
        self._heard = 0

    def take(self, part: bytes) -> None:
        """Take a part of the stream, wherever it was cut."""
        self._raw += part
        at = 0
        while len(self._raw) >= at + HEADER.size:
            which, length = HEADER.unpack_from(self._raw, at)
            end = at + HEADER.size + length
            if end > len(self._raw):
                break
            self._outputs[which == _STDERR].extend(self._raw[at + HEADER.size : end])
            at = end
        del self._raw[:at]
        self._tell()

    def _tell(self) -> None:
        stdout = self._outputs[0]
        while self._hear and (end := stdout.find(b"\n", self._heard) + 1):
            self._hear(bytes(stdout[self._heard : end]))
            self._heard = end

    def whole(self) -> tuple[bytes, bytes]:
        """Return both at their end; EngineError when the stream was cut."""
        if self._raw:
            raise _cut()
        return bytes(self._outputs[0]), bytes(self._outputs[1])


def _cut() -> EngineError:
    return EngineError("the engine cut the command's output", fix="run the command again")


def _too_long(request: ExecRequest) -> EngineError:
    return EngineError(
        f"{request.command[0]} in the container did not end within {request.timeout_s:.0f} s",
        fix="it may still run there; stopping the container ends it",
    )
