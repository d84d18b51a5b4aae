"""What an engine starts again after its own restart: why an environment with --idle-stop is `on-failure`."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tests.faults.private_engine import PrivateEngine
from tests.real.up.conftest import IMAGE

pytestmark = pytest.mark.real

# As probes/supervise.py ends: 0 when it was idle or was told why, 143 by a signal alone.
ENDS = "trap '[ -e /tmp/meant ] && exit 0; exit 143' TERM; while [ ! -e /tmp/idle ]; do sleep 0.1; done"


@pytest.fixture
def own(bridge: None, stand_in: bytes) -> Iterator[PrivateEngine]:
    """An engine of this test's own, that it may kill."""
    with tempfile.TemporaryDirectory(prefix="envkit-i-") as folder:
        found = PrivateEngine(Path(folder), disk_mib=1024)
        try:
            with closing(found.start()) as client:
                client.images.load(stand_in)
            yield found
        finally:
            found.remove()


def begin(client: docker.DockerClient, name: str) -> None:
    client.containers.run(
        IMAGE, ["-c", ENDS], entrypoint="sh", name=name, detach=True, network_mode="none",
        restart_policy={"Name": "on-failure"},
    )  # fmt: skip


def states(client: docker.DockerClient) -> dict[str, str]:
    return {container.name: container.status for container in client.containers.list(all=True)}


def test_a_running_one_comes_back_and_one_that_was_idle_or_stopped_does_not(own: PrivateEngine) -> None:
    with closing(docker.DockerClient(base_url=f"unix://{own.socket}")) as client:
        for name in ("running", "idle", "stopped"):
            begin(client, name)
        client.containers.get("idle").exec_run("touch /tmp/idle")
        client.containers.get("idle").wait()
        client.containers.get("stopped").exec_run("touch /tmp/meant")
        client.containers.get("stopped").stop()
    for how in (signal.SIGTERM, signal.SIGKILL):
        own.end(how)
        with closing(own.start()) as client:
            assert states(client) == {"running": "running", "idle": "exited", "stopped": "exited"}, how
            assert client.containers.get("idle").attrs["State"]["ExitCode"] == 0
