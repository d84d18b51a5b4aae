"""Hand connections on: who connects here is connected to where `dial` leads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from envkit.errors import HostError

_PART = 1 << 16
_WAITING = 128  # connections that may wait to be accepted: a browser opens dozens at once


class Stream(Protocol):
    """A connection: a socket, or a channel of an SSH connection."""

    def recv(self, size: int, /) -> bytes:
        """Return what came; nothing at the end."""

    def sendall(self, content: bytes, /) -> None:
        """Send all of it."""

    def shutdown(self, how: int, /) -> None:
        """Close one direction."""

    def close(self) -> None:
        """Close both."""


class Relay:
    """Accepts connections until it is closed; each lives on its own, and ends as the far side ends."""

    def __init__(self, listener: socket.socket, dial: Callable[[], Stream]) -> None:
        self._listener, self._dial = listener, dial
        self._open: set[Stream] = set()
        self._lock = threading.Lock()
        self._is_closed = False
        listener.listen(_WAITING)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop accepting, and cut what is open."""
        self._is_closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with self._lock:
            remaining = tuple(self._open)
        for stream in remaining:
            _cut(stream)

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            try:
                far = self._dial()
            except (HostError, OSError):
                return  # the caller sees a closed connection; who dials keeps the reason
            try:
                with self._lock:
                    self._open |= {near, far}
                back = threading.Thread(target=_pump, args=(far, near), daemon=True)
                back.start()
                _pump(near, far)
                back.join()
            finally:
                with self._lock:
                    self._open -= {near, far}
                with suppress(OSError, EOFError):  # paramiko's: the connection has gone in the meantime
                    far.close()


def _pump(source: Stream, sink: Stream) -> None:
    """Copy until the source ends, then close that direction only: the answer may still be on its way."""
    with suppress(OSError, EOFError):
        while part := source.recv(_PART):
            sink.sendall(part)
    with suppress(OSError, EOFError):
        sink.shutdown(socket.SHUT_WR)


def _cut(stream: Stream) -> None:
    with suppress(OSError, EOFError):
        stream.shutdown(socket.SHUT_RDWR)
