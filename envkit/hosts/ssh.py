"""A machine over SSH."""

from __future__ import annotations

import codecs
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from envkit.errors import HostError
from envkit.hosts import openssh, ssh_script
from envkit.hosts.base import PART_BYTES, Command, Completed
from envkit.hosts.failures import Dropped
from envkit.hosts.forwards import Forwards
from envkit.hosts.openssh import PrivateFolder
from envkit.hosts.registry import HostEntry
from envkit.hosts.ssh_connection import Connection, Notice, connect
from envkit.hosts.ssh_route import Hop, ask_paramiko, ask_ssh, route
from envkit.hosts.ssh_session import Session
from envkit.hosts.ssh_target import parse_target

_SESSION_S = 30.0  # for one of the server's sessions to become free (MaxSessions)
_PAUSE_S = 0.1
_TRIES = 3  # of what may be done again: a connection that drops thrice has another trouble
_ABSENT = ("No such file or directory", "Not a directory")

_FIND = (
    "IFS=:; for d in $PATH /opt/homebrew/bin; do p=$d/$1; "
    'if [ -f "$p" ] && [ -x "$p" ]; then printf "%s\\n%s\\n" "$(readlink -f -- "$p")" "$p"; fi; done'
)
# The shell opens it: what cannot be opened is told by its code, not by that of the last program.
_PART = (
    '[ -e "$1" ] || { echo "sh: No such file or directory" >&2; exit 1; }; '
    'exec 3<"$1" || exit 1; tail -c "+$2" <&3 | head -c "$3"'
)
_FREE = 'p=$1; while [ ! -e "$p" ]; do p=$(dirname -- "$p"); done; exec df -Pk -- "$p"'


class SshHost:
    """A machine that is reached over SSH. It connects when it is first asked, and again after a drop.

    Whoever made it closes it.
    """

    def __init__(self, entry: HostEntry) -> None:
        self.name = entry.name
        self._target, self._transport = parse_target(entry.target), entry.transport
        self._folder = PrivateFolder()
        self.forwards = Forwards(self._target, self._transport, self._folder, self.connected)
        self._lock = threading.RLock()
        self._connection: Connection | None = None

    def run(self, command: Command) -> Completed:
        """Run to the end; a non-zero code is a result, a missing program or a time-out a HostError."""
        code, stdout, stderr = self._run(command)
        return Completed(
            code=code, stdout=stdout.decode("utf-8", "replace"), stderr=stderr.decode("utf-8", "replace")
        )

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        """Run, handing over each line as it comes; silent for longer than `timeout_s` is Silent."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        with self._session(command, together=True) as session:
            for is_error, part in session.parts(renewed=True):
                if is_error:
                    continue  # the login shell's own words: the program's come on stdout
                *lines, rest = (rest + decoder.decode(part)).split("\n")
                for line in lines:
                    each_line(line.rstrip("\r"))
            if rest:
                each_line(rest.rstrip("\r"))
            return session.code()

    def find_programs(self, name: str) -> tuple[Path, ...]:
        """Return every executable of that name: PATH in order, then the usual folders."""
        said = self._again(Command(words=("sh", "-c", _FIND, "sh", name)))[1].decode().splitlines()
        found: dict[str, Path] = {}
        for real, path in zip(said[::2], said[1::2], strict=False):
            found.setdefault(real, Path(path))
        return tuple(found.values())

    def read(self, path: Path) -> bytes | None:
        """Return a file's bytes, or None when there is no such file."""
        return self._read(path, ("cat", "--", str(path)))

    def read_from(self, path: Path, offset: int) -> bytes | None:
        """Return what a file holds from an offset on, at most PART_BYTES; None when there is no such file."""
        return self._read(path, ("sh", "-c", _PART, "sh", str(path), str(offset + 1), str(PART_BYTES)))

    def _read(self, path: Path, words: tuple[str, ...]) -> bytes | None:
        code, content, stderr = self._again(Command(words=words, env={"LC_ALL": "C"}))
        if code == 0:
            return content
        reason = stderr.decode("utf-8", "replace").strip().rpartition(": ")[2]
        if reason in _ABSENT:
            return None
        raise HostError(f"{path} cannot be read: {reason}", fix="look at its permissions")

    def free_bytes(self, path: Path) -> int:
        """Return the free space of the filesystem that holds `path` or its nearest existing parent."""
        code, stdout, stderr = self._again(Command(words=("sh", "-c", _FREE, "sh", str(PurePosixPath(path)))))
        words = stdout.decode("utf-8", "replace").split("\n")[-2:-1]
        if code != 0 or not words:
            said = stderr.decode("utf-8", "replace").strip()
            raise HostError(
                f"{self.name}: the free space of {path} is not told: {said}", fix="run `df` there"
            )
        return int(words[0].split()[3]) * 1024

    def forward(self, address: str) -> Path:
        """Return a socket here that leads to a unix socket or a port there; see `Remote`."""
        self.connected().open_address(address).close()  # OpenSSH does not tell why nobody answers
        return self.forwards.socket_to(address)

    def connected(self, notice: Notice = lambda step, detail: None) -> Connection:
        """Return the connection, made anew when it is gone."""
        with self._lock:
            if self._connection is None or not self._connection.is_alive:
                self._disconnect()
                self._connection = connect(self._way(), self.name, notice)
            return self._connection

    def close(self) -> None:
        """Close the connection and all forwards; the next question opens it again."""
        self.forwards.close()
        with self._lock:
            self._disconnect()
            self._folder.remove()

    def _way(self) -> tuple[Hop, ...]:
        has_ssh = self._transport != "paramiko" and openssh.is_present()
        return route(self._target, ask_ssh(openssh.configured(self._folder)) if has_ssh else ask_paramiko)

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _again(self, command: Command) -> tuple[int, bytes, bytes]:
        """Run what changes nothing; a drop is survived."""
        for _ in range(_TRIES - 1):
            with suppress(Dropped):
                return self._run(command)
        return self._run(command)

    def _run(self, command: Command) -> tuple[int, bytes, bytes]:
        outputs = (bytearray(), bytearray())
        with self._session(command, together=False) as session:
            for is_error, part in session.parts(renewed=False):
                outputs[is_error].extend(part)
            return session.code(), bytes(outputs[0]), session.stderr(bytes(outputs[1]))

    @contextmanager
    def _session(self, command: Command, *, together: bool) -> Iterator[Session]:
        """Start a command; what is left of it when the block is left by an error is ended there."""
        session = self._started(command, together=together)
        try:
            yield session
        finally:
            session.close()
            if not session.has_ended and session.head and session.head.group:
                with suppress(HostError):  # the first error is the one that counts
                    self._end(session.head.group)

    def _started(self, command: Command, *, together: bool) -> Session:
        try:
            return self._start(command, together=together)
        except Dropped:  # nothing has run yet
            return self._start(command, together=together)

    def _start(self, command: Command, *, together: bool) -> Session:
        connection = self.connected()
        deadline = time.monotonic() + _SESSION_S
        while (channel := connection.open_session(_SESSION_S)) is None:
            if time.monotonic() > deadline:
                raise HostError(
                    f"{self.name}: the SSH server gives no further session (MaxSessions)",
                    fix="wait for what runs there, or raise MaxSessions in its sshd_config",
                )
            time.sleep(_PAUSE_S)
        session = Session(channel, connection, command, self.name)
        try:
            session.start(together=together)
        except BaseException:
            session.close()
            raise
        return session

    def _end(self, group: int) -> None:
        """End a group of programs, over a connection of its own where the server gives no second session."""
        connection = self.connected()
        channel = connection.open_session(_SESSION_S)
        own = None
        if channel is None:
            own = connect(self._way(), self.name)
            channel = own.open_session(_SESSION_S)
        try:
            if channel is not None:
                with channel, suppress(OSError, EOFError):
                    channel.exec_command(ssh_script.ending(group))
                    channel.status_event.wait(_SESSION_S)
        finally:
            if own:
                own.close()
