"""A connection over SSH, jump by jump: every machine's key is known before anybody logs in."""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import paramiko
from paramiko.message import Message

from envkit.hosts import known_keys
from envkit.hosts.failures import Dropped, NotForwarded, Unreachable
from envkit.hosts.ssh_keys import log_in
from envkit.hosts.ssh_route import Hop

# Its tracebacks are no words for a user; each failure is one of ours.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_CONNECT_S = 15.0  # to an address where nobody is: a jump host far away answers within 2 s
_HELLO_S = 30.0  # for the server's first words and the exchange of keys: a busy sshd forks late
_KEEPALIVE_S, _KEEPALIVES = 15, 4  # reliability.md, section 4, row 13

Notice = Callable[[str, str], None]  # a step of connecting, and what came of it


class _Transport(paramiko.Transport):
    """Paramiko's transport; it can open a channel to a socket of the server's files as well."""

    def __init__(self, sock: Any) -> None:
        self._more = threading.local()
        super().__init__(sock)

    def open_socket(self, path: str, timeout_s: float) -> paramiko.Channel:
        """Open a channel to a unix socket (OpenSSH's PROTOCOL, section 2.4)."""
        self._more.path = path
        try:
            return self.open_channel("direct-streamlocal@openssh.com", timeout=timeout_s)
        finally:
            self._more.path = None

    def _send_user_message(self, data: Any) -> None:
        path = getattr(self._more, "path", None)
        if path is not None:  # this thread's channel request: paramiko does not know what belongs to it
            self._more.path = None
            data = Message(data.asbytes())
            data.packet.seek(0, 2)
            data.add_string(path)
            data.add_string("")
            data.add_int(0)
        # Who reads notices a line that is gone; paramiko's thread of a hop behind would print a traceback.
        with suppress(EOFError):
            super()._send_user_message(data)  # type: ignore[misc]  # paramiko's stubs leave it out


class Connection:
    """A machine that is logged in to, through its jump hosts. Closing it twice is fine."""

    def __init__(
        self, where: str, transports: Sequence[_Transport], proxies: Sequence[subprocess.Popen[bytes]]
    ) -> None:
        self._where = where
        self._transports, self._proxies = tuple(transports), tuple(proxies)
        self._opening = threading.Lock()  # paramiko keeps one error for all who open a channel

    @property
    def is_alive(self) -> bool:
        """Tell whether the connection stands, as far as is known."""
        return all(transport.is_active() for transport in self._transports)

    def open_session(self, timeout_s: float) -> paramiko.Channel | None:
        """Return a new session; None when the server gives no more of them (MaxSessions)."""
        try:
            with self._opening:
                return self._transports[-1].open_session(timeout=timeout_s)
        except paramiko.ChannelException:
            return None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self.dropped() from error

    def open_address(self, address: str, timeout_s: float = _CONNECT_S) -> paramiko.Channel:
        """Open a channel to a unix socket (`/path`) or a port (`host:port`) as seen from the machine."""
        last = self._transports[-1]
        try:
            with self._opening:
                if address.startswith("/"):
                    return last.open_socket(address, timeout_s)
                return _open_port(last, address, timeout_s)
        except paramiko.ChannelException as error:
            raise refused_address(address, str(error.args[-1])) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self.dropped() from error

    def dropped(self) -> Dropped:
        """Return the error of a connection that is gone."""
        return Dropped(f"the connection to {self._where} dropped", fix="run the command again")

    def close(self) -> None:
        """Close every hop, the last one first."""
        for transport in reversed(self._transports):
            transport.close()
        for process in self._proxies:
            end_process(process)


def refused_address(address: str, said: str) -> NotForwarded:
    """Return the error of an address that cannot be reached from the machine.

    A server that forbids it answers as if nobody were there (OpenSSH 9.2), so both are said.
    """
    setting = "AllowStreamLocalForwarding" if address.startswith("/") else "AllowTcpForwarding"
    return NotForwarded(
        f"nobody answers there at {address} ({said})",
        fix=f"look whether it runs on that machine, and whether its sshd_config says `{setting} yes`",
    )


def connect(hops: Sequence[Hop], name: str, notice: Notice = lambda step, detail: None) -> Connection:
    """Connect and log in, hop by hop. `name` is the host's, for what to do about a key."""
    transports: list[_Transport] = []
    proxies: list[subprocess.Popen[bytes]] = []
    try:
        for hop in hops:
            raw = _reach(hop, transports[-1] if transports else None, proxies)
            notice("reached", str(hop))
            transport = _Transport(raw)
            transports.append(transport)
            _greet(transport, hop, name)
            notice("host key", hop.key_name)
            notice("login", f"{hop.user}, with {log_in(transport, hop)}")
            transport.set_keepalive(_KEEPALIVE_S)
    except BaseException:
        Connection(name, transports, proxies).close()
        raise
    return Connection(name, transports, proxies)


def _reach(hop: Hop, before: _Transport | None, proxies: list[subprocess.Popen[bytes]]) -> Any:
    """Return a connection to a machine's SSH port: direct, through a program, or through the hop before."""
    if before is not None:
        try:
            return _open_port(before, f"{hop.host}:{hop.port}", _CONNECT_S)
        except paramiko.ChannelException as error:
            raise Unreachable(
                f"{hop.host}:{hop.port} cannot be reached from the jump host: {error.args[-1]}",
                fix="log in to the jump host and try `ssh` from there; it needs AllowTcpForwarding",
            ) from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise Unreachable(
                f"the jump host does not open a connection to {hop.host}:{hop.port}: {error}",
                fix="run the command again",
            ) from error
    if hop.proxy_command:
        ours, its = socket.socketpair()
        with its:
            # ssh_config(5): run by the shell, with `exec`.
            proxies.append(
                subprocess.Popen(
                    ["sh", "-c", f"exec {hop.proxy_command}"], stdin=its.fileno(), stdout=its.fileno()
                )
            )
        return ours
    return _dial(hop)


def _dial(hop: Hop) -> socket.socket:
    where = f"{hop.host}:{hop.port}"
    try:
        found = socket.create_connection((hop.host, hop.port), timeout=_CONNECT_S)
    except socket.gaierror as error:
        raise Unreachable(
            f"no machine named {hop.host} is known", fix="look at its spelling, and at the name server"
        ) from error
    except ConnectionRefusedError as error:
        raise Unreachable(
            f"{where} refuses connections: no SSH server listens there",
            fix="is the port right, and does sshd run?",
        ) from error
    except TimeoutError as error:
        raise Unreachable(
            f"{where} did not answer within {_CONNECT_S:.0f} s",
            fix="is it on, and does a firewall let you through?",
        ) from error
    except OSError as error:
        raise Unreachable(
            f"{where} cannot be reached: {error.strerror}", fix="look at this machine's network"
        ) from error
    # A peer that went away without a word is found out after a minute, by the kernel.
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", _KEEPALIVE_S),
        ("TCP_KEEPINTVL", _KEEPALIVE_S),
        ("TCP_KEEPCNT", _KEEPALIVES),
        ("TCP_USER_TIMEOUT", 1000 * _KEEPALIVE_S * _KEEPALIVES),
    ):
        if hasattr(socket, option):
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return found


def _greet(transport: _Transport, hop: Hop, name: str) -> None:
    """Exchange keys and judge the machine's: nothing of ours is told to a machine that is not known."""
    transport.banner_timeout = _HELLO_S
    kinds = known_keys.known_kinds(hop.key_name)
    options = transport.get_security_options()
    wanted = [kind for kind in options.key_types if _key_of(kind) in kinds]
    options.key_types = [*wanted, *(kind for kind in options.key_types if kind not in wanted)]
    try:
        transport.start_client(timeout=_HELLO_S)
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unreachable(
            f"{hop.host}:{hop.port} does not speak SSH as envkit does: {error or 'it hung up'}",
            fix=f"try it: ssh -v -p {hop.port} {hop.host}",
        ) from error
    key = transport.get_remote_server_key()
    known_keys.judge(known_keys.host_key(hop.key_name, key.get_name(), key.asbytes()), host=name)


def _key_of(algorithm: str) -> str:
    """Return the kind of key that an algorithm signs with: RSA has three."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def _open_port(transport: _Transport, address: str, timeout_s: float) -> paramiko.Channel:
    host, _, port = address.rpartition(":")
    return transport.open_channel("direct-tcpip", (host, int(port)), ("127.0.0.1", 0), timeout=timeout_s)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a program and wait for it."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
