"""Hosts behind others: jump hosts and programs that carry the connection."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.hosts.base import Command, Completed
from envkit.hosts.failures import Dropped, Unreachable
from envkit.hosts.known_keys import remember
from envkit.hosts.registry import HostEntry
from envkit.hosts.ssh import SshHost
from envkit.hosts.trust import unknown_key
from tests.sshd import Sshd, ping

pytestmark = pytest.mark.real

Serve = Callable[..., Sshd]
Home = Callable[..., Path]
Reach = Callable[..., SshHost]
HELLO = Command(words=("echo", "hello"))
SAID = Completed(code=0, stdout="hello\n", stderr="")
BOTH = pytest.mark.parametrize("transport", ["openssh", "paramiko"])

# Carries a connection, as `nc HOST PORT` does.
PROXY = """
import os, socket, sys, threading
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def back():
    while part := far.recv(9999):
        os.write(1, part)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while part := os.read(0, 9999):
    far.sendall(part)
"""


@BOTH
def test_a_host_behind_two_jumps_is_reached(serve: Serve, reach: Reach, transport: str) -> None:
    last, second, first = serve(), serve(), serve()
    for server in (second, first):
        shutil.copy(last.folder / "authorized_keys", server.folder / "authorized_keys")
    host = reach(last, transport, known=(second, first))
    config = Path(os.environ["HOME"]) / ".ssh" / "config"
    jumps = f"{first.target},{second.target}"
    far_away = (
        f"Host far\n  HostName 127.0.0.1\n  Port {last.port}\n  User {last.user}\n  ProxyJump {jumps}\n"
    )
    config.write_text(far_away + config.read_text("ascii"), "ascii")
    far = SshHost(HostEntry(name="far", target="far", transport=transport))  # type: ignore[arg-type]
    try:
        assert far.run(HELLO) == SAID
        assert len(first.sessions()) == len(second.sessions()) == 1
        assert ping(far.forward("/var/run/docker.sock"))
        second.stop()
        with pytest.raises((Dropped, Unreachable)):
            far.run(HELLO)
    finally:
        far.close()
        host.close()


def test_an_unknown_jump_host_is_trusted_before_what_lies_behind_it(serve: Serve, home: Home) -> None:
    last, jump = serve(), serve()
    shutil.copy(last.folder / "authorized_keys", jump.folder / "authorized_keys")
    folder = home(last)
    (folder / ".ssh" / "known_hosts").write_text("", "ascii")
    config = folder / ".ssh" / "config"
    far = (
        f"Host far\n  HostName 127.0.0.1\n  Port {last.port}\n  User {last.user}\n  ProxyJump {jump.target}\n"
    )
    config.write_text(far + config.read_text("ascii"), "ascii")
    host = SshHost(HostEntry(name="far", target="far"))
    trusted = []
    while (key := unknown_key(host)) is not None:
        trusted.append(key.name)
        remember(key)
    assert trusted == [jump.name, last.name]
    assert host.run(HELLO) == SAID
    host.close()


def test_a_proxy_command_is_honoured(serve: Serve, reach: Reach) -> None:
    server = serve()
    reach(server)
    config = Path(os.environ["HOME"]) / ".ssh" / "config"
    script = server.folder / "proxy.py"
    script.write_text(PROXY, "ascii")
    through = f"python3 {script} %h %p"
    far = f"Host far\n  HostName 127.0.0.1\n  Port {server.port}\n  ProxyCommand {through}\n"
    config.write_text(far + config.read_text("ascii"), "ascii")
    host = SshHost(HostEntry(name="far", target="far"))
    assert host.run(HELLO) == SAID
    host.close()
