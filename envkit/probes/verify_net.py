"""A small web client for the other probes: HTTP and websockets over TCP or a unix socket."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10  # RFC 6455, section 5.2
# By how much all limits of time are longer: for an image whose programs are emulated.
SLOWER = float(os.environ.get("ENVKIT_VERIFY_SLOWER") or 1)
LONGEST = 64 * 1024 * 1024  # a longer message is no answer of an IDE


class Gone(Exception):
    """The other side ended the connection."""


class NotServed(Exception):
    """A websocket was not opened; the HTTP status says why."""

    def __init__(self, status: int, location: str = "") -> None:
        super().__init__(f"the websocket was answered with HTTP {status}")
        self.status = status
        self.location = location


@dataclass(frozen=True)
class Door:
    """Where a server listens, and what a client shows it: its host name and its cookies."""

    address: str = "127.0.0.1"
    port: int = 0
    unix_path: str = ""
    host: str = "localhost"
    headers: Mapping[str, str] = field(default_factory=dict)

    def at(self, address: str) -> Door:
        """Return the same door, reached by another address of this container."""
        return Door(address, self.port, self.unix_path, self.host, self.headers)

    def showing(self, **headers: str) -> Door:
        """Return the same door, where the client also sends these headers."""
        return Door(self.address, self.port, self.unix_path, self.host, {**self.headers, **headers})

    def calling_it(self, host: str) -> Door:
        """Return the same door, called by another host name."""
        return Door(self.address, self.port, self.unix_path, host, self.headers)

    def connect(self, timeout_s: float) -> socket.socket:
        """Open a connection."""
        timeout_s *= SLOWER
        if self.unix_path:
            stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            stream.settimeout(timeout_s)
            stream.connect(self.unix_path)
            return stream
        return socket.create_connection((self.address, self.port), timeout=timeout_s)

    def request_headers(self) -> dict[str, str]:
        """Return what every request carries."""
        return {"Host": f"{self.host}:{self.port}" if self.port else self.host, **self.headers}


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def cookies(self) -> str:
        """Return the cookies that the server set, as a request sends them back."""
        found = {}
        for key, value in self.headers:
            if key.lower() == "set-cookie":
                name, _, text = value.partition(";")[0].partition("=")
                found[name] = text
        return "; ".join(f"{name}={text}" for name, text in found.items() if text)

    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", "replace")


def ask(door: Door, path: str, *, method: str = "GET", body: bytes = b"", timeout_s: float = 20.0) -> Answer:
    """Send one request; never follows a redirect."""
    connection = http.client.HTTPConnection("envkit", timeout=timeout_s)
    connection.sock = door.connect(timeout_s)
    try:
        headers = door.request_headers()
        if body:
            headers["Content-Length"] = str(len(body))
        connection.request(method, path, body=body or None, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, tuple(response.getheaders()), response.read())
    finally:
        connection.close()


class WebSocket:
    """The client's end of a websocket."""

    def __init__(self, door: Door, path: str, *, timeout_s: float = 20.0) -> None:
        self._stream = door.connect(timeout_s)
        self._buffer = b""
        try:
            self._open(door, path)
        except BaseException:
            self.close()
            raise

    def _open(self, door: Door, path: str) -> None:
        lines = [
            f"GET {path} HTTP/1.1",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
        ]
        lines.append("Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode())
        lines += [f"{name}: {value}" for name, value in door.request_headers().items()]
        self._stream.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status_line, *header_lines = head.decode("latin-1").split("\r\n")
        words = status_line.split(" ")
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        if status != 101:
            headers = dict(line.lower().split(":", 1) for line in header_lines if ":" in line)
            raise NotServed(status, headers.get("location", "").strip())

    def send(self, data: bytes, kind: int = BINARY) -> None:
        """Send one message."""
        if len(data) < 126:
            head = struct.pack(">BB", 0x80 | kind, 0x80 | len(data))
        elif len(data) < 1 << 16:
            head = struct.pack(">BBH", 0x80 | kind, 0x80 | 126, len(data))
        else:
            head = struct.pack(">BBQ", 0x80 | kind, 0x80 | 127, len(data))
        mask = os.urandom(4)  # RFC 6455, section 5.3: a client masks
        self._stream.sendall(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the next message, or None when none came in time; raise Gone when the other side ended."""
        deadline = time.monotonic() + timeout_s
        message = b""
        while True:
            frame = self._frame(deadline)
            if frame is None:
                return None
            final, kind, data = frame
            if kind == CLOSE:
                raise Gone("the server closed the websocket")
            if kind == PING:
                self.send(data, PONG)
            elif kind != PONG:
                message += data
                if final:
                    return message

    def close(self) -> None:
        """End the connection."""
        self._stream.close()

    def _frame(self, deadline: float) -> tuple[bool, int, bytes] | None:
        if not self._have(2, deadline):
            return None
        first, second = self._buffer[0], self._buffer[1]
        size, offset = second & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if not self._have(2 + width, deadline):
                return None
            size, offset = int.from_bytes(self._buffer[2 : 2 + width], "big"), 2 + width
        if size > LONGEST:
            raise Gone(f"a message of {size} bytes: this is no IDE")
        if not self._have(offset + size, deadline):
            return None
        data = self._buffer[offset : offset + size]
        self._buffer = self._buffer[offset + size :]
        return bool(first & 0x80), first & 0x0F, data

    def _have(self, size: int, deadline: float) -> bool:
        while len(self._buffer) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._stream.settimeout(left)
            try:
                self._fill()
            except socket.timeout:  # noqa: UP041  its own class before Python 3.10
                return False
        return True

    def _fill(self) -> None:
        try:
            data = self._stream.recv(65536)
        except ConnectionError as error:
            raise Gone(f"the connection broke: {error}") from error
        if not data:
            raise Gone("the server ended the connection")
        self._buffer += data
