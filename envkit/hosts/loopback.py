"""A port of this machine that leads to a port of a host, kept through drops of the line."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from envkit.errors import UsageError
from envkit.hosts.failures import Dropped, Unreachable
from envkit.hosts.ssh import SshHost
from envkit.hosts.tunnel import Tunnel

_LOOK_S = 1.0
_LOOPBACK = "127.0.0.1"


@contextmanager
def leading_to(host: SshHost, port: int, wanted: int | None) -> Iterator[tuple[int, Tunnel]]:
    """Listen at a port of loopback: the wanted one, or the same one where that is free, or any."""
    listener = _listener(port, wanted)
    try:
        tunnel = host.forwards.listen(listener, f"{_LOOPBACK}:{port}")
        yield listener.getsockname()[1], tunnel
    finally:
        listener.close()


def keep(tunnel: Tunnel, name: str, say: Callable[[str], None]) -> None:
    """Watch the line until interrupted; a drop is said, and mended."""
    while True:
        time.sleep(_LOOK_S)
        if tunnel.is_up:
            continue
        say(f"the connection to {name} dropped: connecting again")
        since = time.monotonic()
        while not _is_mended(tunnel, name, say):
            pass  # each try is patient itself
        say(f"connected to {name} again after {time.monotonic() - since:.0f} s")


def _is_mended(tunnel: Tunnel, name: str, say: Callable[[str], None]) -> bool:
    try:
        tunnel.dial().close()
    except (Dropped, Unreachable) as error:
        say(f"{name} is not reached: {error.what}; still trying (Ctrl-C ends it)")
        return False
    return True


def _listener(port: int, wanted: int | None) -> socket.socket:
    for one in (wanted,) if wanted else (port, 0):
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((_LOOPBACK, one))
        except OSError:
            found.close()
            continue
        return found
    raise UsageError(
        f"port {wanted} of this machine is in use", fix="leave --port out and a free one is taken"
    )
