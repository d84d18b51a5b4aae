"""One command on a host: a session with its input, its outputs and its end."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import paramiko

from envkit.errors import HostError
from envkit.hosts import ssh_script
from envkit.hosts.base import Command, Silent
from envkit.hosts.failures import Dropped
from envkit.hosts.ssh_connection import Connection
from envkit.hosts.ssh_script import Head

_PART = 1 << 16
_LOOK_S = 0.5  # how often it is looked whether the program or the connection has ended
_LAST_WORDS_S = 1.0  # for output that is still on its way when a program has ended


class Session:
    """A started command. `end` is for whoever started it, whatever happened."""

    def __init__(
        self, channel: paramiko.Channel, connection: Connection, command: Command, name: str
    ) -> None:
        self._channel, self._connection, self._command, self._name = channel, connection, command, name
        self._marker = f"envkit-{secrets.token_hex(8)}"
        self._parts: queue.Queue[tuple[bool, bytes | None]] = queue.Queue()
        self._open = 2
        self._noise = b""
        self.head: Head | None = None
        self.has_ended = False

    def start(self, *, together: bool) -> None:
        """Run the line; Dropped when the connection is gone before anything has run."""
        try:
            self._channel.exec_command(ssh_script.line(self._command, self._marker, together=together))
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._connection.dropped() from error
        for work in (self._write, lambda: self._read(is_error=False), lambda: self._read(is_error=True)):
            threading.Thread(target=work, daemon=True).start()

    def parts(self, *, renewed: bool) -> Iterator[tuple[bool, bytes]]:
        """Yield (is it stderr, bytes) until the end; `renewed`: the time is for each silence."""
        deadline = time.monotonic() + self._command.timeout_s
        quiet_since = time.monotonic()
        while self._open:
            now = time.monotonic()
            try:
                is_error, part = self._parts.get(timeout=max(0.0, min(_LOOK_S, deadline - now)))
            except queue.Empty:
                if self._channel.exit_status_ready() and now - quiet_since > _LAST_WORDS_S:
                    break  # a child has kept the output open
                self._still_there(deadline, renewed=renewed)
                continue
            quiet_since = time.monotonic()
            if part is None:
                self._open -= 1
                continue
            yield from self._told(is_error, part)
            if renewed:
                deadline = time.monotonic() + self._command.timeout_s
            elif time.monotonic() > deadline:
                self._still_there(deadline, renewed=renewed)

    def code(self) -> int:
        """Return how the program ended, after its output has ended."""
        if self._channel.status_event.wait(self._command.timeout_s) and self._channel.exit_status >= 0:
            self.has_ended = True
            if self.head is None:
                raise self._no_head()
            return self._channel.exit_status
        if not self._connection.is_alive:
            raise self._connection.dropped()
        raise Dropped(
            f"{self._name} does not say how {self._command.words[0]} ended", fix="run the command again"
        )

    def stderr(self, received: bytes) -> bytes:
        """Return the program's own part of what came on stderr."""
        return ssh_script.after_marker(received, self._marker)

    def close(self) -> None:
        """Close the session; the program goes on if it has not ended."""
        with suppress(EOFError, OSError, paramiko.SSHException):
            self._channel.close()

    def _told(self, is_error: bool, part: bytes) -> Iterator[tuple[bool, bytes]]:
        """Pass on what is the program's; take the head off."""
        if is_error or (self.head is not None and self.head.state == "ok"):
            yield is_error, part
            return
        self._noise += part
        found = ssh_script.read_head(self._noise, self._marker)
        if found is None:
            if ssh_script.is_too_noisy(self._noise):
                raise self._no_head()
            return
        self.head, rest = found
        if self.head.state != "ok":
            self.has_ended = True
            raise _not_started(self._command, self.head)
        if rest:
            yield is_error, rest

    def _still_there(self, deadline: float, *, renewed: bool) -> None:
        if not self._connection.is_alive and not self._channel.exit_status_ready():
            raise self._connection.dropped()
        if time.monotonic() < deadline:
            return
        program, seconds = self._command.words[0], self._command.timeout_s
        if renewed:
            raise Silent(
                f"{program} was silent for {seconds:.0f} s and was ended",
                fix="look at its last lines; a slow network or a full disk are the usual causes",
            )
        raise HostError(
            f"{program} did not end within {seconds:.0f} s",
            fix=f"run it by hand to see why: {' '.join(self._command.words[:4])}",
        )

    def _no_head(self) -> HostError:
        said = self._noise.decode("utf-8", "replace").strip()[-200:]
        return HostError(
            f"{self._name}: its login shell did not run the command" + (f"; it said: {said}" if said else ""),
            fix="try it: `ssh` there and run `sh -c true`; a forced command or nologin are the usual causes",
        )

    def _write(self) -> None:
        """Give the program its input, from a thread: it may print before it reads."""
        with suppress(OSError, EOFError, paramiko.SSHException):  # it may end before it has read all of it
            self._channel.sendall(ssh_script.first_input(self._command.env) + self._command.stdin)
            self._channel.shutdown_write()

    def _read(self, *, is_error: bool) -> None:
        take = self._channel.recv_stderr if is_error else self._channel.recv
        with suppress(OSError, EOFError, paramiko.SSHException):
            while part := take(_PART):
                self._parts.put((is_error, part))
        self._parts.put((is_error, None))


def _not_started(command: Command, head: Head) -> HostError:
    program = command.words[0]
    if head.state == "folder":
        return HostError(f"there is no folder {command.directory}", fix=f"make it: {program} is to run there")
    return HostError(f"there is no program {program!r} here", fix="install it, or look at PATH")
