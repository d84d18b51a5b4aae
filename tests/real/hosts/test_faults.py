"""What can go wrong between here and a host: each is told by name, or survived."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from envkit.errors import HostError
from envkit.hosts.base import Command, Completed
from envkit.hosts.failures import ChangedKey, Dropped, LoginRefused, NotForwarded, UnknownKey, Unreachable
from envkit.hosts.known_keys import remember
from envkit.hosts.registry import HostEntry
from envkit.hosts.ssh import SshHost
from envkit.hosts.trust import unknown_key
from tests.sshd import Sshd, host_at, make_key, ping

pytestmark = pytest.mark.real

Serve = Callable[..., Sshd]
Home = Callable[..., Path]
Reach = Callable[..., SshHost]
HELLO = Command(words=("echo", "hello"))
SAID = Completed(code=0, stdout="hello\n", stderr="")
BOTH = pytest.mark.parametrize("transport", ["openssh", "paramiko"])


def test_an_unknown_key_is_refused_until_it_is_trusted(serve: Serve, home: Home) -> None:
    server = serve()
    folder = home(server)
    (folder / ".ssh" / "known_hosts").write_text("", "ascii")
    host = host_at(server)
    with pytest.raises(UnknownKey) as caught:
        host.run(HELLO)
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(server.folder / "host_key.pub")], capture_output=True, text=True, check=True
    )
    assert caught.value.key.fingerprint == shown.stdout.split()[1]
    key = unknown_key(host)
    assert key is not None
    remember(key)
    assert unknown_key(host) is None
    assert host.run(HELLO) == SAID
    host.close()


@BOTH
def test_a_changed_key_stops_hard_although_it_is_the_same_machine(
    serve: Serve, reach: Reach, transport: str
) -> None:
    server = serve()
    host = reach(server, transport)
    assert host.run(HELLO) == SAID
    server.stop()
    for path in server.folder.glob("host_key*"):
        path.unlink()
    make_key(server.folder / "host_key")
    server.start()
    with pytest.raises(ChangedKey, match="has CHANGED: somebody may be in between"):
        host.run(HELLO)
    with pytest.raises(ChangedKey):
        unknown_key(host)


def test_a_hashed_entry_is_known(serve: Serve, reach: Reach) -> None:
    server = serve()
    host = reach(server)
    known = Path(os.environ["HOME"]) / ".ssh" / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, capture_output=True)
    assert known.read_text("ascii").startswith("|1|")
    assert host.run(HELLO) == SAID


def test_a_wrong_user_is_told_what_was_tried(serve: Serve, home: Home) -> None:
    server = serve()
    home(server)
    host = SshHost(HostEntry(name="box", target=f"nobody-here@127.0.0.1:{server.port}"))
    with pytest.raises(LoginRefused) as caught:
        host.run(HELLO)
    assert caught.value.what == (
        f"nobody-here@127.0.0.1:{server.port} refused the login; tried: {server.user_key}"
    )
    assert caught.value.fix.startswith("is 'nobody-here' the right user?")
    host.close()


def test_no_server_and_no_such_name_are_told_apart(home: Home) -> None:
    home()
    with socket.socket() as probe:  # bound, and nobody listens
        probe.bind(("127.0.0.1", 0))
        host = SshHost(HostEntry(name="box", target=f"ada@127.0.0.1:{probe.getsockname()[1]}"))
        with (
            closing(host),
            pytest.raises(Unreachable, match="refuses connections: no SSH server listens there"),
        ):
            host.run(HELLO)
    host = SshHost(HostEntry(name="box", target="ada@no-such-machine.invalid"))
    unknown = r"no machine named no-such-machine\.invalid is known"
    with closing(host), pytest.raises(Unreachable, match=unknown):
        host.run(HELLO)


def test_what_speaks_no_ssh_is_told(home: Home) -> None:
    home()
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            with other.accept()[0] as near:
                near.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        host = SshHost(HostEntry(name="box", target=f"ada@127.0.0.1:{other.getsockname()[1]}"))
        with closing(host), pytest.raises(Unreachable, match="does not speak SSH as envkit does"):
            host.run(HELLO)


def test_a_drop_in_the_middle_of_a_command_is_told_and_the_next_one_works(serve: Serve, reach: Reach) -> None:
    server = serve()
    host = reach(server)

    def cut(line: str) -> None:
        server.cut()

    with pytest.raises(Dropped, match="the connection to box dropped"):
        host.stream(Command(words=("sh", "-c", "echo now; sleep 60"), timeout_s=30), cut)
    assert host.run(HELLO) == SAID
    server.cut()
    assert host.read(Path("/etc/hostname")) == Path("/etc/hostname").read_bytes()


def test_one_session_at_a_time_is_enough(serve: Serve, reach: Reach) -> None:
    host = reach(serve(MaxSessions="1"))
    found: list[Completed] = []
    slow = Command(words=("sh", "-c", "sleep 0.5; echo hello"))
    threads = [threading.Thread(target=lambda: found.append(host.run(slow))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [SAID] * 4


def test_a_hanging_program_is_ended_where_there_is_one_session(
    serve: Serve, reach: Reach, tmp_path: Path
) -> None:
    host = reach(serve(MaxSessions="1"))
    told = tmp_path / "pid"
    with pytest.raises(HostError, match="did not end within 2 s"):
        host.run(Command(words=("sh", "-c", f"echo $$ > {told}; exec sleep 60"), timeout_s=2))
    assert not Path(f"/proc/{int(told.read_text('ascii'))}").exists()
    assert host.run(HELLO) == SAID


def test_a_noisy_login_shell_is_not_taken_for_the_answer(serve: Serve, reach: Reach, tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_text("WELCOME\nenvkit-0123456789abcdef 1 ok\n", "ascii")
    noisy = 'echo "Last login: yesterday"; echo "quota: 3" >&2; eval "$SSH_ORIGINAL_COMMAND"'
    host = reach(serve(Banner=str(banner), ForceCommand=noisy))
    program = "echo out; echo err >&2; exit 3"
    assert host.run(Command(words=("sh", "-c", program))) == Completed(code=3, stdout="out\n", stderr="err\n")
    lines: list[str] = []
    assert host.stream(Command(words=("sh", "-c", program)), lines.append) == 3
    assert lines == ["out", "err"]
    assert host.read(Path("/etc/hostname")) == Path("/etc/hostname").read_bytes()


def test_a_shell_that_runs_nothing_is_told_with_what_it_said(serve: Serve, reach: Reach) -> None:
    host = reach(serve(ForceCommand="echo This account is not available.; exit 1"))
    with pytest.raises(HostError, match=r"did not run the command; it said: This account is not available\."):
        host.run(HELLO)


@BOTH
def test_a_server_that_forwards_nothing_says_which_setting(
    serve: Serve, reach: Reach, transport: str
) -> None:
    host = reach(serve(AllowStreamLocalForwarding="no", AllowTcpForwarding="no"), transport)
    with pytest.raises(NotForwarded) as caught:
        host.forward("/var/run/docker.sock")
    assert caught.value.fix.endswith("whether its sshd_config says `AllowStreamLocalForwarding yes`")
    with pytest.raises(NotForwarded) as caught:
        host.forward("127.0.0.1:1")
    assert caught.value.fix.endswith("whether its sshd_config says `AllowTcpForwarding yes`")


@BOTH
def test_a_key_with_a_passphrase_needs_an_agent(
    serve: Serve, reach: Reach, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    (server.folder / "user_key").unlink()
    (server.folder / "user_key.pub").unlink()
    make_key(server.user_key, passphrase="sesame")
    shutil.copy(f"{server.user_key}.pub", server.folder / "authorized_keys")
    host = reach(server, transport)
    with pytest.raises(LoginRefused, match="has a passphrase and is in no agent") as caught:
        host.run(HELLO)
    assert caught.value.fix == f"ssh-add {server.user_key}"
    with agent_with(server, monkeypatch):
        assert host.run(HELLO) == SAID
        assert ping(host.forward("/var/run/docker.sock"))


@BOTH
def test_a_home_that_cannot_be_written_there_hinders_nothing_but_itself(
    serve: Serve, reach: Reach, transport: str
) -> None:
    server = serve(SetEnv="HOME=/proc")
    host = reach(server, transport)
    done = host.run(Command(words=("sh", "-c", 'echo x > "$HOME/x"')))
    assert done.code != 0
    assert ping(host.forward("/var/run/docker.sock"))


@contextmanager
def agent_with(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run an agent that holds the server's user key."""
    path = server.folder / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    says = server.folder / "askpass"
    says.write_text("#!/bin/sh\necho sesame\n", "ascii")
    says.chmod(0o700)
    env = {**os.environ, "SSH_ASKPASS": str(says), "SSH_ASKPASS_REQUIRE": "force"}
    try:
        while not path.exists():
            assert agent.poll() is None
            time.sleep(0.02)
        subprocess.run(["ssh-add", "-q", str(server.user_key)], env=env, check=True, timeout=30)
        yield
    finally:
        agent.terminate()
        agent.wait(10)
