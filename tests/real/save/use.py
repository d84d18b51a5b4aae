"""Use both IDEs as a person does, from inside: a cell, a notebook, a workspace, and VS Code's page."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

NAME, MARK = sys.argv[1:]
BASE = f"127.0.0.1:8888/env/{NAME}"
KNOWN = {"Authorization": "token " + Path(f"/dev/shm/envkit-{os.getuid()}/jupyter_token").read_text()}
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def ask(path, method="GET", body=None):
    """Return what the server answers, as soon as it does."""
    data = None if body is None else json.dumps(body).encode()
    for _ in range(240):
        try:
            with urlopen(Request(f"http://{BASE}/{path}", data, KNOWN, method=method), timeout=120) as answer:
                return answer.read()
        except URLError as error:
            last = error
            time.sleep(0.5)
    raise last


async def run(kernel, code):
    """Run a cell as a notebook does, to its end."""
    url = f"ws://{BASE}/api/kernels/{kernel}/channels"
    socket = await websocket_connect(HTTPRequest(url, headers=KNOWN))
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "s", "username": "", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await socket.write_message(json.dumps(message))
    while True:
        answer = json.loads(await asyncio.wait_for(socket.read_message(), 120))
        if answer["header"]["msg_type"] == "execute_reply":
            assert answer["content"]["status"] == "ok"
            return


def wait(pattern, text):
    """Wait until the tools have written this, which they do when they like."""
    for _ in range(240):
        if any(text in path.read_bytes() for path in Path.home().glob(pattern)):
            return
        time.sleep(0.5)
    raise TimeoutError(pattern)


kernel = json.loads(ask("api/kernels", "POST", {}))["id"]
asyncio.run(run(kernel, f"mark = '{MARK}'"))
wait(".ipython/profile_default/history.sqlite*", MARK.encode())
ask("api/contents/mine.ipynb", "PUT", {"type": "notebook", "content": NOTEBOOK})
ask("lab/api/workspaces/default", "PUT", {"data": {"mark": MARK}, "metadata": {"id": "default"}})
assert b"workbench" in ask("vscode/?folder=/work/home")
wait(".local/share/code-server/coder.json", b"/work/home")
