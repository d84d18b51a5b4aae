"""Ask a running code-server for its pages and for an extension host, as VS Code's page does.

The remote protocol was read from code-server 4.138.0 and tried against it: every message is a frame of
13 bytes (type, id, acknowledged id, length) and data; types are 1 regular, 2 control, 3 acknowledge,
9 keep-alive.
"""

from __future__ import annotations

import json
import re
import struct
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

from .verify_jupyter import fact, knock, knock_websocket
from .verify_net import SLOWER, Answer, Door, Gone, WebSocket, ask

REGULAR, CONTROL, ACKNOWLEDGE, KEEP_ALIVE = 1, 2, 3, 9
HEAD = struct.Struct(">BIII")
READY = b"\x02"  # the extension host's first word
READY_S = 40.0 * SLOWER  # 0.7 s on an idle machine; a loaded one gets its time
EXTENSION_HOST = 2  # the connection type


@dataclass(frozen=True)
class Workbench:
    """A running code-server: a door that shows the login, and the path of its page."""

    door: Door
    path: str

    def page(self) -> Answer:
        """Load the page, following the redirects that a browser follows."""
        path = self.path
        for _ in range(4):
            answer = ask(self.door, path, timeout_s=60)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            target = urlsplit(urljoin(path, answer.header("location")))
            path = target.path + (f"?{target.query}" if target.query else "")
        return answer


def commit_of(page: str) -> str:
    """Find the build's commit in VS Code's page."""
    found = re.search(r"stable-([0-9a-f]{40})", page)
    return found.group(1) if found else ""


def log_in(door: Door, password: str) -> Door:
    """Log in at a code-server's own door; return the door as the browser then uses it."""
    form = urlencode({"password": password, "base": ".", "href": ""}).encode()
    typed = door.showing(**{"Content-Type": "application/x-www-form-urlencoded"})
    return door.showing(Cookie=ask(typed, "/login", method="POST", body=form, timeout_s=60).cookies())


def workbench(code: Workbench) -> dict[str, object]:
    """Load the page and every script and style sheet that it names."""
    page = code.page()
    names = re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.text())
    answers = [fact(code.path, page)]
    for name in dict.fromkeys(names):
        answers.append(fact(name, ask(code.door, urljoin(code.path, name), timeout_s=60)))
    return {"answers": answers, "commit": commit_of(page.text()), "files": len(answers) - 1}


def refuses(code: Workbench, addresses: tuple[str, ...], nobody: Door) -> dict[str, object]:
    """Ask for the page, a file and the websocket without the login."""
    commit = commit_of(code.page().text()) or "0" * 40
    answers = []
    for address in addresses:
        door = nobody.at(address)
        answers += [knock(door, code.path), knock(door, f"{code.path}?folder=/")]
        answers += [knock_websocket(door, code.path + websocket_path(commit))]
    return {"answers": answers}


def websocket_path(commit: str) -> str:
    """Return the remote protocol's websocket for a new connection, below the page."""
    return f"stable-{commit}?reconnectionToken={uuid.uuid4()}&reconnection=false&skipWebSocketFrames=false"


def extension_host(code: Workbench, alive_s: float) -> dict[str, object]:
    """Start an extension host and watch it for a while."""
    commit = commit_of(code.page().text())
    if not commit:
        return {"error": "the page names no build of VS Code"}
    host = ExtensionHost(code.door, code.path + websocket_path(commit))
    try:
        ready_s = host.start(commit)
        keep_alives = host.watch(alive_s)
    finally:
        host.close()
    return {"ready_s": round(ready_s, 2), "alive_s": alive_s, "keep_alives": keep_alives}


class ExtensionHost:
    """One connection of the remote protocol."""

    def __init__(self, door: Door, path: str) -> None:
        self._websocket = WebSocket(door, path, timeout_s=READY_S)
        self._buffer = b""
        self._said = "opened"  # how far it came, for the error

    def start(self, commit: str) -> float:
        """Ask for an extension host; return the seconds until it is ready."""
        began = time.monotonic()
        self._send(CONTROL, {"type": "auth", "auth": "0" * 20, "data": ""})
        self._wait(lambda kind, data: kind == CONTROL and b'"sign"' in data, READY_S)
        self._said = "signed in"
        wanted = {"language": "en", "break": False, "port": None, "env": {}}
        ask_for = {"type": "connectionType", "commit": commit, "signedData": ""}
        self._send(CONTROL, {**ask_for, "desiredConnectionType": EXTENSION_HOST, "args": wanted})
        message_id = self._wait(lambda kind, data: kind == REGULAR and data == READY, READY_S)
        self._said = "was ready"
        self._websocket.send(HEAD.pack(ACKNOWLEDGE, 0, message_id, 0))
        return time.monotonic() - began

    def watch(self, alive_s: float) -> int:
        """Count the keep-alives of some seconds; raise Gone when it dies."""
        deadline, keep_alives = time.monotonic() + alive_s, 0
        while time.monotonic() < deadline:
            frame = self._next(deadline)
            keep_alives += frame is not None and frame[0] == KEEP_ALIVE
        return keep_alives

    def close(self) -> None:
        """End the connection; the server then ends the extension host."""
        self._websocket.close()

    def _send(self, kind: int, message: dict[str, object]) -> None:
        data = json.dumps(message).encode()
        self._websocket.send(HEAD.pack(kind, 0, 0, len(data)) + data)

    def _wait(self, is_it: Callable[[int, bytes], bool], timeout_s: float) -> int:
        deadline = time.monotonic() + timeout_s
        while True:
            frame = self._next(deadline)
            if frame is None:
                raise TimeoutError(f"the extension host {self._said}, then was silent for {timeout_s:.0f} s")
            kind, message_id, data = frame
            if is_it(kind, data):
                return message_id
            if kind == CONTROL and b'"error"' in data:
                raise Gone(f"the extension host {self._said}, then: {data[:200]!r}")

    def _next(self, deadline: float) -> tuple[int, int, bytes] | None:
        while True:
            if len(self._buffer) >= HEAD.size:
                kind, message_id, _, size = HEAD.unpack_from(self._buffer)
                if len(self._buffer) >= HEAD.size + size:
                    data = self._buffer[HEAD.size : HEAD.size + size]
                    self._buffer = self._buffer[HEAD.size + size :]
                    return kind, message_id, data
            try:
                message = self._websocket.receive(max(0.0, deadline - time.monotonic()))
            except Gone as error:
                raise Gone(f"the extension host {self._said}, then {error}") from error
            if message is None:
                return None
            self._buffer += message
