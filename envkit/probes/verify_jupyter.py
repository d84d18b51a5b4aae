"""Ask a running JupyterLab what it serves, with its token and without; each function returns plain facts."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from .verify_net import SLOWER, TEXT, Answer, Door, Gone, NotServed, WebSocket, ask

SEEN = Path(__file__).with_name("verify_seen.py")
FIRST_WORD_S = 30.0 * SLOWER  # a cold kernel on a loaded machine took 9 s; three times that
STRANGER = "envkit-stranger.example"  # a name that a rebound DNS entry would carry (RFC 2606)


@dataclass(frozen=True)
class Jupyter:
    """A running JupyterLab: its door, its base URL (ends in a slash), its token."""

    door: Door
    base: str
    token: str = field(repr=False)
    addresses: tuple[str, ...] = ("127.0.0.1",)

    def with_token(self) -> Door:
        """Return the door as the API's clients use it."""
        return self.door.showing(Authorization=f"token {self.token}")

    def as_browser(self) -> Door:
        """Return the door as a browser uses it after the login: with cookies."""
        answer = ask(self.door, f"{self.base}lab?token={self.token}")
        origin = f"http://{self.door.host}:{self.door.port}"
        return self.door.showing(Cookie=answer.cookies(), Origin=origin)


def fact(what: str, answer: Answer) -> dict[str, object]:
    """Turn an answer into a fact: what was asked, the status, where it points."""
    return {
        "what": what,
        "status": answer.status,
        "location": answer.header("location"),
        "size": len(answer.body),
    }


def knock(door: Door, path: str, *, name: str = "", method: str = "GET") -> dict[str, object]:
    """Send one request without a login; return what came back."""
    body = b"{}" if method == "POST" else b""
    what = f"{name or 'nobody'}: {method} {path} at {door.address}"
    try:
        return fact(what, ask(door, path, method=method, body=body, timeout_s=60))
    except ConnectionRefusedError:
        return nobody_listens(what)


def knock_websocket(door: Door, path: str, *, name: str = "") -> dict[str, object]:
    """Try to open a websocket without a login; return what came back."""
    what = f"{name or 'nobody'}: websocket {path} at {door.address}"
    try:
        WebSocket(door, path).close()
    except NotServed as refused:
        return {"what": what, "status": refused.status, "location": refused.location, "size": 0}
    except ConnectionRefusedError:
        return nobody_listens(what)
    return {"what": what, "status": 101, "location": "", "size": 0}


def nobody_listens(what: str) -> dict[str, object]:
    """Return the fact that a door is not there, at this address."""
    return {"what": what, "status": 0, "location": "", "size": 0}


def refuses(jupyter: Jupyter) -> dict[str, object]:
    """Ask without the login for all that needs it, at every address; with it under a stranger's name."""
    pages = ("lab", "api/contents", "api/kernels", "api/sessions", "api/terminals", "api/status")
    answers = []
    for address in jupyter.addresses:
        door = jupyter.door.at(address)
        answers += [knock(door, jupyter.base + page) for page in pages]
        answers += [
            knock(door, jupyter.base + page, method="POST") for page in ("api/kernels", "api/terminals")
        ]
        answers += [knock_websocket(door, jupyter.base + socket) for socket in sockets()]
        wrong = door.showing(Authorization="token " + "0" * 48)
        answers.append(knock(wrong, jupyter.base + "api/contents", name="a wrong token"))
        answers.append(knock(door, f"{jupyter.base}lab?token={'0' * 48}", name="a wrong token"))
        stranger = door.calling_it(STRANGER).showing(Authorization=f"token {jupyter.token}")
        answers.append(knock(stranger, jupyter.base + "api/contents", name="a stranger's host name"))
    return {"answers": answers}


def sockets() -> tuple[str, ...]:
    """Return the websockets of a JupyterLab, below its base."""
    return (f"api/kernels/{uuid.uuid4()}/channels", "terminals/websocket/1", "api/events/subscribe")


def opens(jupyter: Jupyter) -> dict[str, object]:
    """Open the page as a browser does, and load the script that it starts with."""
    page = ask(jupyter.as_browser(), jupyter.base + "lab", timeout_s=60)
    answers = [fact(f"{jupyter.base}lab", page)]
    script = re.search(r'src="([^"]*/lab/[^"]*\.js[^"]*)"', page.text())
    if script:
        answers.append(fact(script.group(1), ask(jupyter.as_browser(), script.group(1))))
    for path in ("api/contents", "api/status", "api/kernelspecs"):
        answers.append(fact(jupyter.base + path, ask(jupyter.with_token(), jupyter.base + path)))
    return {"answers": answers, "is_lab": "jupyter-config-data" in page.text(), "has_script": bool(script)}


def kernel(jupyter: Jupyter) -> dict[str, object]:
    """Start the default kernel, let it run a cell, and return what the cell saw."""
    door = jupyter.with_token()
    specs = json.loads(ask(door, jupyter.base + "api/kernelspecs").body)
    started = ask(door, jupyter.base + "api/kernels", method="POST", body=b"{}", timeout_s=60)
    if started.status != 201:
        return {"error": f"starting a kernel was answered with HTTP {started.status}: {last_line(started)}"}
    name = json.loads(started.body)["id"]
    try:
        printed = run_cell(
            door, f"{jupyter.base}api/kernels/{name}/channels", SEEN.read_text(encoding="utf-8")
        )
    finally:
        ask(door, f"{jupyter.base}api/kernels/{name}", method="DELETE")
    seen = marked(printed)
    facts: dict[str, object] = {"kernelspec": specs.get("default", ""), "printed": printed[-500:]}
    return {**facts, "seen": seen} if seen else {**facts, "error": f"the cell printed {printed[-200:]!r}"}


def run_cell(door: Door, path: str, code: str) -> str:
    """Execute a cell over the kernel's websocket; return what it printed."""
    asked = uuid.uuid4().hex
    header = {
        "msg_id": asked,
        "msg_type": "execute_request",
        "username": "envkit",
        "session": uuid.uuid4().hex,
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": False,
        "allow_stdin": False,
        "stop_on_error": True,
    }
    message = {
        "channel": "shell",
        "header": {**header, "version": "5.3", "date": "2026-01-01T00:00:00Z"},  # messaging protocol 5.3
        "parent_header": {},
        "metadata": {},
        "content": {**content, "user_expressions": {}},
    }
    websocket = WebSocket(door, path, timeout_s=FIRST_WORD_S)
    try:
        websocket.send(json.dumps(message).encode(), TEXT)
        return listen(websocket, asked)
    finally:
        websocket.close()


def listen(websocket: WebSocket, asked: str) -> str:
    """Collect what a cell prints until its kernel is idle again."""
    printed, deadline = "", time.monotonic() + FIRST_WORD_S
    while True:
        raw = websocket.receive(deadline - time.monotonic())
        if raw is None:
            raise TimeoutError(
                f"the kernel was silent for {FIRST_WORD_S:.0f} s; it printed {printed[-200:]!r}"
            )
        message = json.loads(raw)
        content = message["content"]
        if content.get("execution_state") in ("dead", "restarting", "autorestarting"):
            raise Gone(f"the kernel is {content['execution_state']}; it printed {printed[-200:]!r}")
        if message["parent_header"].get("msg_id") != asked:
            continue
        if message["msg_type"] == "stream":
            printed += content["text"]
        elif message["msg_type"] == "error":
            return f"{content['ename']}: {content['evalue']}"
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            return printed


def terminal(jupyter: Jupyter, python: str) -> dict[str, object]:
    """Open a terminal, see it echo, and let its shell's Python (a word) say what it sees."""
    door = jupyter.with_token()
    started = ask(door, jupyter.base + "api/terminals", method="POST", body=b"{}", timeout_s=60)
    if started.status not in (200, 201):
        return {"error": f"opening a terminal was answered with HTTP {started.status}: {last_line(started)}"}
    name = json.loads(started.body)["name"]
    websocket = WebSocket(door, f"{jupyter.base}terminals/websocket/{name}")
    # Marks are computed by the shell, so that the echo of what was typed is not taken for the answer.
    line = f"echo echoed-$((6*7)); {python} {SEEN}; echo ended-$((6*7))\r"
    try:
        websocket.send(json.dumps(["stdin", line]).encode(), TEXT)
        printed = read_terminal(websocket, "ended-42")
    finally:
        websocket.close()
        ask(door, f"{jupyter.base}api/terminals/{name}", method="DELETE")
    facts: dict[str, object] = {"echoed": "echoed-42" in printed, "printed": printed[-500:]}
    seen = marked(printed)
    return {**facts, "seen": seen} if seen else facts


def read_terminal(websocket: WebSocket, until: str) -> str:
    """Return what a terminal prints until a mark, or until it is silent for too long."""
    printed, deadline = "", time.monotonic() + FIRST_WORD_S
    while until not in printed:
        raw = websocket.receive(deadline - time.monotonic())
        if raw is None:
            return printed
        kind, *words = json.loads(raw)
        if kind == "stdout":
            printed += words[0]
    return printed


def marked(printed: str) -> dict[str, object] | None:
    """Find what verify_seen.py printed among other lines."""
    found = re.search(r"envkit-seen (\{.*\})", printed)
    if not found:
        return None
    seen: dict[str, object] = json.loads(found.group(1))
    return seen


def tensorboard(jupyter: Jupyter) -> dict[str, object]:
    """Open TensorBoard behind the login, then ask for it without."""
    path = jupyter.base + "tensorboard/"
    browser = jupyter.as_browser()
    page = ask(browser, path, timeout_s=45)  # the first request starts it; 8 s on two loaded cores
    runs = ask(browser, path + "data/runs", timeout_s=30)
    doors = [jupyter.door.at(address) for address in jupyter.addresses]
    refused = [knock(door, path + page_name) for door in doors for page_name in ("", "data/runs")]
    opened = [fact(path, page), fact(path + "data/runs", runs)]
    return {"opened": opened, "is_tensorboard": "tensorboard" in page.text().lower(), "refused": refused}


def last_line(answer: Answer) -> str:
    """Return the message of an error that Jupyter's API answers with."""
    try:
        return str(json.loads(answer.body).get("message", ""))[-200:]
    except ValueError:
        return answer.text()[-200:]
