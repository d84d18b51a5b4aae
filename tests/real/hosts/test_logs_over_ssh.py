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
COUNTING = f"n=0; while [ $n -lt {LINES} ]; do n=$((n+1)); echo line $n; sleep 0.02; done"


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
    cuts = [threading.Timer(after_s, server.cut) for after_s in (2, 4, 5.5, 7)]
    for cut in cuts:
        cut.start()
    program = str(Path(sys.executable).with_name("envkit"))
    done = subprocess.run(
        [program, "logs", "-f", name, "--host", "box"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    for cut in cuts:
        cut.join()
    assert done.stdout.splitlines() == [f"line {number}" for number in range(1, LINES + 1)], done.stderr
    assert done.returncode == 0
