"""An engine of the tests' own: it can be killed, started again and filled up, and nobody else works in it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import docker

# `--bridge=none` would remove the running engine's docker0. Two runs of these tests have two bridges, with
# addresses for measurements in laboratories (RFC 2544).
_NET = f"198.{18 + os.getpid() // 256 % 2}.{os.getpid() % 256}"
BRIDGE = f"envkit-{os.getpid()}"
SECOND_BRIDGE = f"envkit2-{os.getpid()}"  # for engines that others than the fault tests' kill
_ADDRESSES = {BRIDGE: f"{_NET}.1/25", SECOND_BRIDGE: f"{_NET}.129/25"}
_NETWORK = ("--iptables=false", "--ip-forward=false", "--userland-proxy=true")
_PATIENCE_S = 60.0


class PrivateEngine:
    """A dockerd with folders of its own under `root`; its disk is in memory, quick and as small as wished."""

    def __init__(
        self, root: Path, disk_mib: int, *, bridge: str = BRIDGE, more: tuple[str, ...] = ()
    ) -> None:
        self._more = (f"--bridge={bridge}", *more)
        self.socket = root / "docker.sock"
        self.log = root / "dockerd.log"
        self._root, self.data = root, root / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.data.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={disk_mib}m", "envkit-tests", str(self.data))

    def start(self) -> docker.DockerClient:
        """Start it, or start it again; return a client, to be closed, once it answers."""
        words = [
            "dockerd",
            *_NETWORK,
            *self._more,
            f"--data-root={self.data}",
            f"--exec-root={self._root}/exec",
        ]
        words += [f"--pidfile={self._root}/pid", f"--host=unix://{self.socket}"]
        # Of one that was killed; its containerd died with it, and may be a zombie that still has its pid.
        for left in ("pid", "exec/containerd/containerd.pid"):
            (self._root / left).unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            if self._answers():
                return docker.DockerClient(base_url=f"unix://{self.socket}")
            assert self._process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(str(self.socket))
                asking.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 OK" in asking.recv(1000)
            except OSError:
                return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it has gone; by SIGTERM its containers go too."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE_S)

    def remove(self) -> None:
        """End it with all that it started, and let its disk go."""
        self.end()
        self.kill_what_is_left()
        for mounted in (*(self._root / "exec" / "netns").glob("*"), self.data):
            subprocess.run(["umount", "--lazy", str(mounted)], check=False, capture_output=True)

    def kill_what_is_left(self) -> None:
        """Kill what it has started: its containerd, and what that has beside each container."""
        for about in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended in the meantime
                if str(self._root).encode() in about.read_bytes():
                    os.kill(int(about.parent.name), signal.SIGKILL)


def make_bridge(name: str = BRIDGE) -> None:
    """Make a bridge of this process's engines; one of an earlier process with this number goes first."""
    remove_bridge(name)
    for words in (("add", name, "type", "bridge"), ("set", name, "up")):
        _run("ip", "link", *words)
    _run("ip", "address", "add", _ADDRESSES[name], "dev", name)


def remove_bridge(name: str = BRIDGE) -> None:
    """Remove it; one that is gone is fine."""
    subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
