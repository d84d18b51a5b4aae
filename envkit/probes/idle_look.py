"""Gather the signals of one look: services by their own word, the rest from /proc and the cards' tools."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .idle_cards import look as look_at_cards
from .idle_judge import Signal
from .idle_processes import Cpu, cpu, processes, terminals, typed
from .idle_report import RUNTIME
from .status import UnixConnection, services_environment, tcp

_SOCKET = RUNTIME / "code-server.sock"
_CONNECTED = "03"  # SS_CONNECTED, in /proc/net/unix
_ESTABLISHED = "01"  # TCP_ESTABLISHED, in /proc/net/tcp
_DOOR = 8080


class Untold(Exception):
    """A service did not say how it is."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """What a look leaves for the next: only what lasts from one to the next is a connection."""

    cpu: Cpu | None = None
    connections: frozenset[str] = frozenset()


def look(before: Before, now: float) -> tuple[tuple[Signal, ...], Before]:
    """Return the signals as they are now; `now`: the monotonic clock."""
    environment = services_environment()
    found = processes()
    burnt, after = cpu(found, before.cpu, now)
    connections = connected(
        Path("/proc/net/unix").read_text("utf-8", "replace"), Path("/proc/net/tcp").read_text("utf-8")
    )
    signals = (
        *_code_server(environment, connections & before.connections),
        _told("jupyter", lambda: jupyter(_jupyter(environment, "api/status"))),
        _told("kernels", lambda: kernels(_jupyter(environment, "api/kernels?no_track_activity=1"))),
        terminals(found, typed()),
        look_at_cards(),
        burnt,
    )
    return signals, Before(cpu=after, connections=connections)


def connected(unix: str, tcp_table: str) -> frozenset[str]:
    """Return what is connected to code-server now, from the kernel's two tables."""
    rows = [line.split() for line in unix.splitlines()]
    inner = (f"unix {row[6]}" for row in rows if row[7:] == [str(_SOCKET)] and row[5] == _CONNECTED)
    lines = [line.split() for line in tcp_table.splitlines()[1:]]
    door = f":{_DOOR:04X}"
    outer = (f"tcp {row[9]}" for row in lines if row[1].endswith(door) and row[3] == _ESTABLISHED)
    return frozenset([*inner, *outer])


def code_server(name: str, health: dict[str, Any], connections: int) -> Signal:
    """Judge a code-server by its heartbeat (while a browser is at it, it beats) and its connections."""
    beat = health.get("lastHeartbeat")
    if not isinstance(beat, int):
        raise Untold("it does not tell its heartbeat")
    value = f"{connections} connections" if connections else "no connection"
    return Signal(name=name, value=value, active=connections > 0, mark=str(beat))


def jupyter(status: dict[str, Any]) -> Signal:
    """Judge Jupyter by its connections and by when something was last asked of it."""
    connections, last = status.get("connections"), status.get("last_activity")
    if not isinstance(connections, int) or not isinstance(last, str):
        raise Untold("it does not tell its activity")
    value = f"{connections} connections" if connections else "no connection"
    return Signal(
        name="jupyter", value=f"{value}, last asked {last[:19]}Z", active=connections > 0, mark=last
    )


def kernels(found: list[dict[str, Any]]) -> Signal:
    """Judge the kernels: one that computes is use, however long nobody has looked."""
    busy = [str(kernel.get("name")) for kernel in found if kernel.get("execution_state") == "busy"]
    mark = " ".join(sorted(f"{kernel.get('id')}={kernel.get('last_activity')}" for kernel in found))
    value = f"{len(busy)} of {len(found)} busy" if found else "none"
    return Signal(name="kernels", value=value, active=bool(busy), mark=mark)


def _code_server(environment: dict[str, str], connections: frozenset[str]) -> list[Signal]:
    inner = sum(name.startswith("unix") for name in connections)
    signals = []
    if _SOCKET.exists():
        asked = UnixConnection(_SOCKET)
        signals.append(_told("vscode", lambda: code_server("vscode", _ask(asked, "/healthz"), inner)))
    if (Path(environment.get("ENVKIT_SECRETS", "/")) / "code-server.yaml").exists():
        outer = len(connections) - inner
        signals.append(
            _told(
                "vscode-door",
                lambda: code_server("vscode-door", _ask(tcp(_DOOR, environment), "/healthz"), outer),
            )
        )
    return signals


def _told(name: str, ask: Callable[[], Signal]) -> Signal:
    try:
        return ask()
    except (Untold, OSError, ValueError, http.client.HTTPException) as error:
        reason = re.sub(r"\s+", " ", str(error)) or type(error).__name__
        return Signal(name=name, value=f"cannot be told: {reason}", failed=True)


def _jupyter(environment: dict[str, str], path: str) -> Any:
    token = (Path(environment.get("ENVKIT_SECRETS", "/run/secrets")) / "jupyter_token").read_text().strip()
    base = environment.get("ENVKIT_BASE_URL", "/").rstrip("/")
    return _ask(tcp(8888, environment), f"{base}/{path}", {"Authorization": f"token {token}"})


def _ask(connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None) -> Any:
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise Untold(f"it answers {answer.status}")
    return json.loads(text)
