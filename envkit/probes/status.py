"""Print how the services of this container are, as one JSON object; exit 0 when all answer."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
import xmlrpc.client
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .idle_report import RUNTIME, read_ended, read_report

_STARTED = ("STARTING", "RUNNING")  # supervisord's RUNNING comes 10 s after a start; an answer is enough
_WATCHER = "idle-watch"
_TOLD = (
    "state",
    "why",
    "quiet_s",
    "stops_in_s",
)  # of what the watcher saw; `envkit idle explain` tells the rest


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout_s: float = 3.0) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = str(path)

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class UnixTransport(xmlrpc.client.Transport):
    """XML-RPC, as supervisord speaks it, over its unix socket."""

    def make_connection(self, host: Any) -> UnixConnection:
        """Return a connection to supervisord."""
        return UnixConnection(RUNTIME / "supervisor.sock")


def tcp(port: int, environment: Mapping[str, str]) -> http.client.HTTPConnection:
    """Return a connection to a port of this container; under TLS only to who has the door's certificate."""
    if not environment.get("ENVKIT_TLS"):
        return http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    context = ssl.create_default_context(cafile=str(Path(environment["ENVKIT_SECRETS"], "tls.crt")))
    context.check_hostname = False  # its names are the machine's; this very certificate is what counts
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=3, context=context)


def answers(connection: http.client.HTTPConnection, path: str) -> bool:
    """Tell whether a GET of the path gives any answer below 500."""
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def environment_of(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with."""
    entries = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8", errors="replace").split("\0")
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}


def services_environment() -> dict[str, str]:
    """Return what the entrypoint decided for the services: who comes in by exec does not have it."""
    try:
        return environment_of(int((RUNTIME / "supervisord.pid").read_text()))
    except (OSError, ValueError):
        return dict(os.environ)


def look() -> dict[str, Any]:
    """Ask supervisord for the services, and each service whether it answers."""
    supervisor: Any = xmlrpc.client.ServerProxy("http://unix", transport=UnixTransport()).supervisor
    processes: list[dict[str, Any]] = supervisor.getAllProcessInfo()
    environment = services_environment()
    base = environment.get("ENVKIT_BASE_URL", "/").rstrip("/")
    ask: dict[str, Callable[[], bool]] = {
        "jupyterlab": lambda: answers(tcp(8888, environment), f"{base}/api"),
        "code-server": lambda: answers(UnixConnection(RUNTIME / "code-server.sock"), "/healthz"),
        "code-server-door": lambda: answers(tcp(8080, environment), "/healthz"),
        _WATCHER: lambda: True,  # it is asked nothing: that it runs is enough
    }
    watches = bool(environment.get("ENVKIT_IDLE_STOP_S"))
    services = {
        process["name"]: service(process, ask[process["name"]])
        for process in processes
        if watches or process["name"] != _WATCHER
    }
    return {
        "uid": os.getuid(),
        "secrets_dir": environment.get("ENVKIT_SECRETS", ""),
        "base_url": base or "/",
        "services": services,
        "ready": bool(services) and all(one["answers"] for one in services.values()),
        "idle": {key: read_report().get(key) for key in _TOLD} if watches else {},
    }


def awaited() -> str:
    """Return what the entrypoint waits for, in words; empty when it does not wait."""
    try:
        names = (RUNTIME / "waiting").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return f"waiting for secrets: {names}; `envkit start` brings them"


def service(process: Mapping[str, Any], ask: Callable[[], bool]) -> dict[str, Any]:
    """Say how one service is; of one that has died, what it said last."""
    state = process["statename"]
    started = state in _STARTED
    why = last_words(process["name"]) or process["spawnerr"] or process["description"]
    return {
        "state": state,
        "pid": process["pid"],
        "answers": started and ask(),
        "reason": "" if started else why,
    }


def last_words(name: str) -> str:
    """Return what a service that died said last (probes/supervise.py writes it down)."""
    try:
        return (RUNTIME / f"{name}.last-words").read_text("utf-8", "replace")
    except OSError:
        return ""


def ending() -> str:
    """Return why the services are being ended: supervisord answers nothing but a fault while it ends them."""
    return str(read_ended().get("reason", ""))


def main() -> None:
    """Print the state; exit 1 when something does not answer."""
    try:
        state = look()
    except xmlrpc.client.Fault:
        state = {"uid": os.getuid(), "services": {}, "ready": False, "stopping": True, "reason": ending()}
    except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
        reason = awaited() or f"the supervisor does not answer: {error}"
        state = {"uid": os.getuid(), "services": {}, "ready": False, "reason": reason}
    print(json.dumps(state))
    sys.exit(0 if state["ready"] else 1)
