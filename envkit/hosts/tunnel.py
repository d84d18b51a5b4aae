"""Ways to an address of a host: OpenSSH's forward, or channels of a connection of Python's own."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from envkit.errors import HostError
from envkit.hosts.failures import Dropped, LoginRefused, Unreachable
from envkit.hosts.relay import Stream
from envkit.hosts.ssh_connection import Connection, end_process

_PATIENCE_S = 30.0  # for a dropped connection to come back: a laptop that changes its network takes 10 to 20
_STARTING_S = 30.0  # for OpenSSH to log in, jump hosts included
_PAUSE_S = 0.05
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 5.0  # between two tries

# Ends ssh when whoever started it is gone, however that ended: their end of the pipe is then closed.
_KEEPER = (
    'exec 3<&0; "$@" </dev/null & p=$!; '
    '{ cat <&3 >/dev/null; kill -s 0 $$ 2>/dev/null && kill "$p" 2>/dev/null; } & '
    'exec 3<&-; wait "$p"'
)
# What OpenSSH says when trying again is of no use.
_HOPELESS = ("Permission denied", "Host key verification failed", "HOST IDENTIFICATION HAS CHANGED", "Bad ")


class Tunnel(Protocol):
    """A way to one address of a host."""

    @property
    def is_up(self) -> bool:
        """Tell whether the way is open, as far as is known."""

    def dial(self) -> Stream:
        """Connect; a way that is broken is mended first, for half a minute at most."""

    def close(self) -> None:
        """Close the way; twice is fine."""


class ChannelTunnel:
    """Channels of the connection that the host has anyway."""

    def __init__(self, connected: Callable[[], Connection], address: str) -> None:
        self._connected, self._address = connected, address
        self._last: Connection | None = None

    @property
    def is_up(self) -> bool:
        """Tell whether the connection stands."""
        return self._last is not None and self._last.is_alive

    def dial(self) -> Stream:
        """Open a channel, over a new connection where the old one is gone."""
        return patiently(self._open)

    def close(self) -> None:
        """Leave the connection to its owner."""

    def _open(self) -> Stream:
        self._last = self._connected()
        return self._last.open_address(self._address)


class OpenSshTunnel:
    """`ssh -N -L`: a private socket that leads to the address. It is started anew after a drop."""

    def __init__(self, words: tuple[str, ...], listen: Path) -> None:
        self._words, self._listen = words, listen
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._log = listen.with_suffix(".log")

    @property
    def is_up(self) -> bool:
        """Tell whether ssh runs: it ends when the connection does."""
        return self._process is not None and self._process.poll() is None

    def dial(self) -> Stream:
        """Connect to the socket that ssh listens at."""
        return patiently(self._connect)

    def close(self) -> None:
        """End ssh."""
        with self._lock:
            self._end()

    def _connect(self) -> Stream:
        with self._lock:
            if not self.is_up:
                self._start()
        return self._reached()

    def _reached(self) -> socket.socket:
        found = socket.socket(socket.AF_UNIX)
        try:
            found.connect(str(self._listen))
        except OSError as error:
            found.close()
            raise Dropped("the connection dropped", fix="run the command again") from error
        return found

    def _start(self) -> None:
        self._end()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ("sh", "-c", _KEEPER, "sh", *self._words),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for us: what we do then may need the way
            )
        deadline = time.monotonic() + _STARTING_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise self._failed()
            with suppress(Dropped), self._reached():
                return
            time.sleep(_PAUSE_S)
        self._end()
        raise Unreachable(
            f"ssh did not connect within {_STARTING_S:.0f} s", fix="try it by hand with `ssh -v`"
        )

    def _failed(self) -> HostError:
        said = self._log.read_text(encoding="utf-8", errors="replace").strip()
        last = said.splitlines()[-1] if said else "it said nothing"
        if any(text in said for text in _HOPELESS):
            return LoginRefused(f"ssh could not connect: {last}", fix="try it by hand with `ssh -v`")
        return Unreachable(f"ssh could not connect: {last}", fix="try it by hand with `ssh -v`")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()  # the keeper ends ssh, and then itself
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        end_process(process)
        self._listen.unlink(missing_ok=True)


def patiently(open_stream: Callable[[], Stream]) -> Stream:
    """Try until the way is open, for as long as there is hope."""
    deadline = time.monotonic() + _PATIENCE_S
    wait = _FIRST_WAIT_S
    while True:
        try:
            return open_stream()
        except (Dropped, Unreachable):
            if time.monotonic() + wait > deadline:
                raise
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_S)
