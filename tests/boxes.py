"""Machines of the tests' own: each with a network, processes, a home, an SSH server and an engine for itself.

They share this machine's kernel and programs, and hang on a switch that is in nobody's network; so a cable
can be pulled, and a machine can die as one whose power goes.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import docker

from tests.sshd import Sshd

_PATIENCE_S = 60.0
_DISK = "384m"
# The shared address space of providers (RFC 6598): two runs of these tests have two networks.
_NET = f"100.{64 + os.getpid() // 256 % 64}.{os.getpid() % 256}"
_OURS = f"ekb{os.getpid()}"  # our end of the cable to the switch; names have 15 letters
_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # nothing outlives the tests
# What is mounted here is seen here alone, and goes with the last process.
_BOOT = f"""
set -e
mount -t proc proc /proc
mount -t tmpfs -o size={_DISK} box /var/lib/docker
mount -t tmpfs -o mode=700 box /root
mount -t tmpfs box /run
mkdir -p /run/sshd /run/lock
ip link set lo up
ip link add br0 type bridge
ip address add 172.31.255.1/24 dev br0
ip link set br0 up
: >/run/booted
dockerd --iptables=false --ip-forward=false --bridge=br0 --userland-proxy=true \\
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent="$1" --host=unix:///run/docker.sock &
wait  # for what nobody else waits for, too
"""


class Switch:
    """What the machines' cables go to."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([*_WITH_US, "unshare", "--net", "sleep", "infinity"])
        self.pid = self._process.pid
        _until(lambda: _other_network(self.pid), lambda: "the switch has no network of its own")
        self.inside("ip", "link", "add", "br0", "type", "bridge")
        self.inside("ip", "link", "set", "br0", "up")
        self.plug(_OURS, os.getpid(), f"{_NET}.1")

    def inside(self, *words: str) -> None:
        """Do something in it."""
        _run("nsenter", f"--net=/proc/{self.pid}/ns/net", *words)

    def plug(self, name: str, pid: int, address: str) -> None:
        """Lead a cable to that process's network."""
        port = self._port(address)
        # A machine that is switched on again has its old card: nobody's table of addresses is out of date.
        card = f"02:00:00:00:00:{int(address.rpartition('.')[2]):02x}"
        near, far = ("netns", str(pid)), ("netns", str(self.pid))
        _run("ip", "link", "add", name, "address", card, *near, "type", "veth", "peer", port, *far)
        self.inside("ip", "link", "set", port, "master", "br0", "up")
        for words in (("address", "add", f"{address}/24", "dev", name), ("link", "set", name, "up")):
            _run("nsenter", f"--net=/proc/{pid}/ns/net", "ip", *words)

    def pull(self, address: str) -> None:
        """Pull a machine's cable, in the middle: nobody is told."""
        self.inside("ip", "link", "set", self._port(address), "nomaster")

    def mend(self, address: str) -> None:
        """Connect it again."""
        self.inside("ip", "link", "set", self._port(address), "master", "br0")

    def _port(self, address: str) -> str:
        return f"p-{address.rpartition('.')[2]}"

    def close(self) -> None:
        """Remove it with all cables."""
        self._process.kill()
        self._process.wait(_PATIENCE_S)
        subprocess.run(["ip", "link", "delete", _OURS], check=False, capture_output=True)


@dataclass
class Box:
    """A machine."""

    number: int
    folder: Path  # on ours: keys and logs
    switch: Switch
    image: bytes  # as `docker save` gives it
    sshd: Sshd = field(init=False)
    _init: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return where it is reached."""
        return f"{_NET}.{10 + self.number}"

    @property
    def pid(self) -> int:
        """Return its first process's number, among ours."""
        assert self._init is not None
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text().split()
        return int(children[0])

    @property
    def root(self) -> Path:
        """Return its files, as we see them."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def inside(self) -> tuple[str, ...]:
        """Return the words that start a program in it."""
        return ("nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--")

    @property
    def home(self) -> Path:
        """Return its user's /work/home."""
        return self.root / "root" / "envkit" / "home"

    def start(self) -> None:
        """Switch it on; it is the same machine with an empty disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [
            *_WITH_US,
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "private",
        ]
        with (self.folder / "box.log").open("ab") as log:
            self._init = subprocess.Popen(
                [*words, "sh", "-c", _BOOT, "sh", self._group], stdout=log, stderr=log
            )
        _until(lambda: self._is_up() and (self.root / "run/booted").exists(), self._said)
        self.switch.plug("eth0", self.pid, self.address)
        if not hasattr(self, "sshd"):
            self.sshd = Sshd.make(self.folder / "sshd", address=self.address)
        self.sshd.inside = self.inside
        self.sshd.start()
        _until(self._answers, self._said)
        with closing(self.engine()) as engine:
            engine.images.load(self.image)

    def engine(self) -> docker.DockerClient:
        """Return a client of its engine."""
        return docker.DockerClient(base_url=f"unix://{self.root}/run/docker.sock")

    def is_on(self) -> bool:
        """Tell whether it is switched on."""
        return self._init is not None and self._init.poll() is None

    def die(self) -> None:
        """Take its power: every process of it ends at once."""
        assert self._init is not None
        self._init.kill()
        self._init.wait(_PATIENCE_S)
        self.sshd.stop()

    def remove(self) -> None:
        """Remove what is left of it."""
        if self.is_on():
            self.die()
        groups = [path for path in Path("/sys/fs/cgroup").glob(f"**/{self._group}") if path.is_dir()]
        for group in groups:
            subprocess.run(
                ["find", str(group), "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"], check=False
            )

    def run(self, *words: str) -> None:
        """Do something in it."""
        _run(*self.inside, *words)

    def clear(self) -> None:
        """Remove its containers."""
        if self.is_on():
            with closing(self.engine()) as engine:
                for container in engine.containers.list(all=True):
                    container.remove(force=True)

    @property
    def _group(self) -> str:
        return f"envkit-box-{os.getpid()}-{self.number}"

    def _is_up(self) -> bool:
        with suppress(OSError, IndexError):
            return self.pid > 0
        return False

    def _said(self) -> str:
        return (self.folder / "box.log").read_text()[-2000:]

    def _answers(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
            asking.connect(f"{self.root}/run/docker.sock")
            asking.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 OK" in asking.recv(1000)
        return False


def _other_network(pid: int) -> bool:
    return Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def _until(what: Callable[[], bool], why: Callable[[], str]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)
