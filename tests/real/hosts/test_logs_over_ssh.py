"""`logs -f` of an environment on a host: a line that drops costs no line of the log and doubles none."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.values import RunRequest
from envkit.environment.lookup import KIND
from envkit.hosts import registry
from envkit.hosts.registry import HostEntry
from tests.real.hosts.conftest import IMAGE
from tests.sshd import Sshd

pytestmark = pytest.mark.real

LINES = 300
COUNTING = f"n=0; while [ $n -lt {LINES} ]; do n=$((n+1)); echo line $n; sleep 0.03; done"


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_follower_loses_and_doubles_nothing(
    serve: Callable[..., Sshd], home: Callable[..., Path], docker: Engine, name: str, transport: str
) -> None:
    server = serve()
    home(server)
    registry.add(HostEntry(name="box", target=server.target, transport=transport))  # type: ignore[arg-type]
    labels = {**KIND, "io.envkit.environment": name}
    made = docker.containers.create(
        RunRequest(
            image=IMAGE,
            name=f"envkit-{name}",
            entrypoint=("sh", "-c", COUNTING),
            command=(),
            labels=labels,
        )
    )
    docker.containers.start(made)
    program = str(Path(sys.executable).with_name("envkit"))
    words = [program, "logs", "-f", name, "--host", "box"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
        assert follower.stdout and follower.stderr
        first = follower.stdout.readline()  # a drop before it follows is an error, told by name
        cuts = [threading.Timer(after_s, server.cut) for after_s in (0.5, 1.5, 2.5, 3.5)]
        for cut in cuts:
            cut.start()
        found = [first, *follower.stdout]
        said = follower.stderr.read()
        for cut in cuts:
            cut.join()
    assert found == [f"line {number}\n" for number in range(1, LINES + 1)], said
    assert follower.returncode == 0
