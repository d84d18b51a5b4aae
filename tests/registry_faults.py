"""A proxy before a registry that breaks what it is told to break, with the real registry behind it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import socket
import struct
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

_WINDOW = 1 << 15
_HOP = {"connection", "transfer-encoding", "keep-alive"}
Do = Literal[
    "answer",  # with `status` and `body`; the registry hears nothing
    "reset",  # after `size` bytes of the request's body
    "hang",  # after `size` bytes: nobody reads on, until the proxy ends
    "slow",  # reads `size` bytes ten times a second, and goes on as usual
    "block-before",  # waits for `go`, then goes on as usual; `reached` tells that it waits
    "block-after",  # the registry acts; its answer waits for `go`
]


@dataclass(kw_only=True)
class Rule:
    """What to do with which request; `times` of them, then all goes on as usual."""

    do: Do
    method: str
    path: str
    times: int = 1
    status: int = 500
    body: object = ""
    size: int = 0
    met: int = 0
    first: int = 1  # how many such requests go on as usual before, and one
    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Wait for `go`."""
        self.reached.set()
        self.go.wait(120)


@dataclass
class Faults:
    """The proxy: `rules` break, `seen` holds the requests; with `token` it wants one, as large ones do."""

    upstream: str
    rules: list[Rule] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)  # who asked for a token
    token: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"faults": self})
        self.server = _Server(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        # What is accepted has it too: else the kernel takes in what nobody has read yet.
        self.server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it, and let go of what hangs."""
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def rule(self, method: str, path: str) -> Rule | None:
        """Return what is to be broken of this request."""
        for rule in self.rules:
            if rule.method in (method, "any") and re.search(rule.path, path) and rule.met < rule.times:
                rule.met += 1
                if rule.met >= rule.first:
                    return rule
        return None


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone: tests kill it."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    faults: Faults
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _any(self) -> None:
        faults = self.faults
        faults.seen.append(f"{self.command} {self.path.partition('?')[0]}")
        rule = faults.rule(self.command, self.path)
        if rule is not None and rule.do in ("reset", "hang"):
            self._read_body(rule.size)
            self._break(rule)
            return
        body = self._read_body(None, rule.size if rule is not None and rule.do == "slow" else 0)
        if rule is not None and rule.do == "block-before":
            rule.wait()
        if rule is not None and rule.do == "answer":
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"  # as if it had kept what it was given
            self._answer(rule.status, json.dumps(rule.body).encode(), {"Docker-Content-Digest": digest})
        elif faults.token and self.path.startswith("/token"):
            self._give_token()
        elif faults.token and self.headers.get("Authorization") != f"Bearer {faults.token}":
            scope = "repository:" + "/".join(self.path.split("/")[2:4]) + ":pull,push"
            challenge = f'Bearer realm="http://{faults.address}/token",service="tests",scope="{scope}"'
            self._answer(401, b"{}", {"WWW-Authenticate": challenge})
        else:
            self._forward(body, rule)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def _give_token(self) -> None:
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        login = base64.b64decode(given).decode() if kind == "Basic" else ""
        self.faults.logins.append(login)
        asked = parse_qs(urlsplit(self.path).query)
        assert asked["service"] == ["tests"]
        status = 200 if login == "ada:secret" else 401
        self._answer(
            status, json.dumps({"token": self.faults.token}).encode() if status == 200 else b"{}", {}
        )

    def _break(self, rule: Rule) -> None:
        self.close_connection = True
        if rule.do == "hang":
            self.faults.over.wait(120)
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _forward(self, body: bytes, rule: Rule | None) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        headers.pop("Authorization", None) if self.faults.token else None
        if body or self.command in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(body))
        with closing(http.client.HTTPConnection(self.faults.upstream, timeout=120)) as connection:
            connection.request(self.command, self.path, body=body, headers=headers)  # its Host stays ours
            answer = connection.getresponse()
            content = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        if rule is not None and rule.do == "block-after":
            rule.wait()
        self._answer(answer.status, content, kept)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        length = headers.pop("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _read_body(self, most: int | None, slowly: int = 0) -> bytes:
        """Read the request's body, or its first bytes; or so many bytes ten times a second."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            whole = int(self.headers.get("Content-Length") or 0)
            return self._read(whole if most is None else min(whole, most), slowly)
        read = bytearray()
        while size := self._size():
            if most is not None and len(read) + size > most:
                read += self.rfile.read(most - len(read))
                return bytes(read)
            read += self._read(size, slowly)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(read)

    def _read(self, size: int, slowly: int) -> bytes:
        if slowly:
            time.sleep(0.1 * size / slowly)
        return self.rfile.read(size)

    def _size(self) -> int:
        """Read the size of the next chunk."""
        line = self.rfile.readline()
        if not line:
            raise ConnectionError("the client has gone")
        return int(line.split(b";")[0], 16)
