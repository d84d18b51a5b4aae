"""An SSH server of the tests' own: on a loopback port, with its own keys, ended by whoever started it."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from envkit.hosts.registry import HostEntry, Transport
from envkit.hosts.ssh import SshHost

_PROGRAM = "/usr/sbin/sshd"


def make_key(path: Path, *, passphrase: str = "", kind: str = "ed25519") -> Path:
    """Make a key pair."""
    words = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True, timeout=60)
    return path


@dataclass
class Sshd:
    """A running sshd."""

    folder: Path
    port: int
    user_key: Path
    process: subprocess.Popen[bytes] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"
    inside: tuple[str, ...] = ()  # the words that start a program where it is to run

    @classmethod
    def make(cls, folder: Path, address: str = "127.0.0.1", **settings: str) -> Sshd:
        """Make one with keys of its own; `settings` go into its sshd_config."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        make_key(folder / "host_key")
        made = cls(
            folder=folder,
            port=_free_port(),
            user_key=make_key(folder / "user_key"),
            settings=settings,
            address=address,
        )
        shutil.copy(f"{made.user_key}.pub", folder / "authorized_keys")
        return made

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def target(self) -> str:
        return f"{self.user}@{self.address}:{self.port}"

    @property
    def name(self) -> str:
        """Its name in known_hosts."""
        return f"[{self.address}]:{self.port}"

    @property
    def known_line(self) -> str:
        kind, key = (self.folder / "host_key.pub").read_text("ascii").split()[:2]
        return f"{self.name} {kind} {key}\n"

    def start(self) -> Sshd:
        """Start it and wait until it listens."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # its privilege separation wants it
        config = {
            "Port": str(self.port),
            "ListenAddress": self.address,
            "HostKey": str(self.folder / "host_key"),
            "AuthorizedKeysFile": str(self.folder / "authorized_keys"),
            "PidFile": "none",
            "PermitRootLogin": "yes",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "UsePAM": "no",
            "StrictModes": "no",
            **self.settings,
        }
        path = self.folder / "sshd_config"
        path.write_text("".join(f"{name} {value}\n" for name, value in config.items()), "utf-8")
        with (self.folder / "log").open("ab") as log:
            words = [*self.inside, _PROGRAM, "-D", "-e", "-f", str(path)]
            self.process = subprocess.Popen(words, stderr=log)
        for _ in range(200):
            with suppress(OSError), socket.create_connection((self.address, self.port), timeout=1):
                return self
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text("utf-8"))

    def sessions(self) -> list[int]:
        """Return the processes that serve connections."""
        assert self.process
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in found.stdout.split()]

    def cut(self) -> int:
        """End every connection as a broken line does; return how many there were. The server goes on."""
        found = self.sessions()
        for pid in found:
            children = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
            )
            for one in (pid, *map(int, children.stdout.split())):
                if _is_sshd(one):
                    with suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
        return len(found)

    def stop(self) -> None:
        """End it, and every connection."""
        if self.process is None:
            return
        connections = self.sessions()
        self.process.terminate()
        self.process.wait(10)
        for pid in connections:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process = None


def make_home(folder: Path, patch: pytest.MonkeyPatch, *known: Sshd) -> Path:
    """Make this process's user one with an empty home, who logs in with the first server's key."""
    ssh = folder / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "known_hosts").write_text("".join(server.known_line for server in known), "ascii")
    if known:
        (ssh / "config").write_text(
            f"Host *\n  IdentityFile {known[0].user_key}\n  IdentitiesOnly yes\n", "ascii"
        )
    patch.setenv("HOME", str(folder))
    for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK", "DOCKER_HOST", "DOCKER_CONTEXT"):
        patch.delenv(name, raising=False)
    return folder


def host_at(server: Sshd, transport: Transport = "auto", name: str = "box") -> SshHost:
    """Return the server as a host; whoever asked closes it."""
    return SshHost(HostEntry(name=name, target=server.target, transport=transport))


def ping(path: Path) -> bool:
    """Ask the engine at a socket whether it is there."""
    with socket.socket(socket.AF_UNIX) as near:
        near.settimeout(30)
        near.connect(str(path))
        near.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        answer = b""
        while part := near.recv(4096):
            answer += part
    return answer.endswith(b"OK")


def _is_sshd(pid: int) -> bool:
    """Tell a server's process from a command that it runs for a user."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text("ascii").startswith("sshd")
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
