"""A log of 100,000 lines, rotated three times under its reader, over a connection that breaks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from envkit.container.following import Follower
from envkit.container.temporary import running
from envkit.engines.docker import DockerEngine, connect
from envkit.engines.docker_watch import DockerWatch
from envkit.engines.values import LogRequest, RunRequest
from envkit.hosts.local import LocalHost

pytestmark = pytest.mark.real

LINES = 100_000
# 1.7 kB a line: 190 MB as Docker keeps them, in files of 50 MB of which the last three stay. `seq` and `sed`
# alone would print them faster than Docker can rotate.
CHATTY = f"$|=1; for $i (1..{LINES}) {{ print $i, ' ', 'x' x 1700, qq(\\n) }} sleep 2"


class Cutter:
    """Stands before the engine's socket; breaks each connection that has given too much."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.most_bytes, self.cuts = most_bytes, 0
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                threading.Thread(target=self._pass_on, args=(near, far, None), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(far, near, self.most_bytes), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        given = 0
        with suppress(OSError):
            while part := source.recv(1 << 16):
                given += len(part)
                if most is not None and given > most and not self.cuts:
                    self.cuts += 1
                    source.shutdown(socket.SHUT_RDWR)
                    break
                target.sendall(part)
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cutter(tmp_path: Path) -> Iterator[Cutter]:
    """Break the first connection that has given 60 MB: within the second file of the log."""
    made = Cutter(tmp_path / "docker.sock", 60_000_000)
    yield made
    made.close()


@pytest.fixture
def engine(cutter: Cutter, tmp_path: Path) -> Iterator[DockerEngine]:
    """The engine, whose logs come over the connection that breaks."""
    engine = connect(LocalHost())
    client = docker.DockerClient(f"unix://{tmp_path}/docker.sock")
    engine.watch = DockerWatch(client)
    yield engine
    client.close()


def test_no_line_is_lost_or_doubled(engine: DockerEngine, cutter: Cutter) -> None:
    asked = RunRequest(image="debian:12", command=("perl", "-e", CHATTY), network="none", init=True)
    said: list[str] = []
    with running(engine, asked) as container:
        batches = Follower(engine, container, said.append).follow(LogRequest())
        numbers = [int(line.text.split()[0]) for batch in batches for line in batch]
        engine.containers.stop(container, 1)
    assert cutter.cuts == 1 and said[-1:] == ["the log goes on"]
    assert (len(numbers), len(set(numbers))) == (LINES, LINES)
