"""A proxy before a registry that breaks what it is told to break, with the real registry behind it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

_PART = 1 << 14
_HOP = {"connection", "transfer-encoding", "keep-alive"}
Do = Literal[
    "answer",  # with `status` and `body`; the registry hears nothing
    "reset",  # after `size` bytes of the request's body
    "hang",  # after `size` bytes: nobody reads on, until the proxy ends
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
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
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
            if rule.method == method and re.search(rule.path, path) and rule.met < rule.times:
                rule.met += 1
                return rule
        return None


class _Handler(BaseHTTPRequestHandler):
    faults: Faults
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _any(self) -> None:
        faults = self.faults
        faults.seen.append(f"{self.command} {self.path.partition('?')[0]}")
        rule = faults.rule(self.command, self.path)
        if rule is not None and rule.do != "answer":
            self._read_body(rule.size)
            self._break(rule)
            return
        body = self._read_body(None)
        if rule is not None:
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"  # as if it had kept what it was given
            self._answer(rule.status, json.dumps(rule.body).encode(), {"Docker-Content-Digest": digest})
        elif faults.token and self.path.startswith("/token"):
            self._give_token()
        elif faults.token and self.headers.get("Authorization") != f"Bearer {faults.token}":
            scope = "repository:" + "/".join(self.path.split("/")[2:4]) + ":pull,push"
            challenge = f'Bearer realm="http://{faults.address}/token",service="tests",scope="{scope}"'
            self._answer(401, b"{}", {"WWW-Authenticate": challenge})
        else:
            self._forward(body)

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

    def _forward(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(self.faults.upstream, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        headers.pop("Authorization", None) if self.faults.token else None
        if body or self.command in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(body))
        connection.request(self.command, self.path, body=body, headers=headers)  # its Host stays ours
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        self._answer(answer.status, answer.read(), kept)
        connection.close()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        length = headers.pop("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _read_body(self, most: int | None) -> bytes:
        """Read the request's body, or its first bytes."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            whole = int(self.headers.get("Content-Length") or 0)
            return self.rfile.read(whole if most is None else min(whole, most))
        read = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            if most is not None and len(read) + size > most:
                read += self.rfile.read(most - len(read))
                return bytes(read)
            read += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(read)
