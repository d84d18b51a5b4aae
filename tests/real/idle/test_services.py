"""Services that die: the supervisor starts them again, gives up in the end, and says why."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

pytestmark = pytest.mark.real

STATUS = "/opt/envkit/bin/envkit-status"
START = "s.supervisor.startProcess('services:code-server', False)"
DYING = "#!/bin/sh\necho starting\necho 'Error: no space left, password=hunter2' >&2\necho bye >&2\nexit 3\n"


@pytest.fixture
def start(engine: docker.DockerClient, image: str) -> Iterator[Callable[..., Container]]:
    """Start the image alone; it goes afterwards."""
    made: list[Container] = []

    def run(**options: Any) -> Container:
        made.append(engine.containers.run(image, detach=True, tmpfs={"/run/secrets": "uid=1000"}, **options))
        return made[-1]

    yield run
    for container in made:
        container.remove(force=True, v=True)


def status(container: Container) -> tuple[int, dict[str, Any]]:
    done = container.exec_run(STATUS)
    return done.exit_code, json.loads(done.output)


def wait(container: Container, what: Callable[[dict[str, Any]], bool]) -> tuple[int, dict[str, Any]]:
    end = time.monotonic() + 300
    while not what((found := status(container))[1]):
        assert time.monotonic() < end, found
        time.sleep(0.5)
    return found


def test_a_killed_service_is_started_again(start: Callable[..., Container]) -> None:
    container = start()
    _, before = wait(container, lambda answer: answer["ready"])
    pids = {name: service["pid"] for name, service in before["services"].items()}
    assert set(pids) == {"jupyterlab", "code-server"}
    for pid in pids.values():
        container.exec_run(["sh", "-c", f"kill -9 {pid}"])
    code, after = wait(
        container,
        lambda answer: (
            answer["ready"] and all(answer["services"][name]["pid"] != pids[name] for name in pids)
        ),
    )
    assert (
        code,
        {service["state"] for service in after["services"].values()} <= {"STARTING", "RUNNING"},
    ) == (
        0,
        True,
    )


def test_one_that_keeps_dying_is_given_up_with_its_last_words(
    start: Callable[..., Container], tmp_path: Path
) -> None:
    program = tmp_path / "run-code-server"
    program.write_text(DYING)
    program.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    mount = {str(program): {"bind": "/opt/envkit/bin/run-code-server", "mode": "ro"}}
    container = start(volumes=mount)
    code, answer = wait(
        container, lambda answer: answer["services"].get("code-server", {}).get("state") == "FATAL"
    )
    assert (code, answer["ready"]) == (1, False)
    assert answer["services"]["code-server"]["reason"] == "Error: no space left, password=***"
    wait(container, lambda answer: answer["services"]["jupyterlab"]["answers"])
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    talk = (
        "from probes.status import *; s = xmlrpc.client.ServerProxy('http://x', transport=UnixTransport()); "
    )
    start_it = f"import sys; sys.path.append('/opt/envkit'); {talk}{START}"
    done = container.exec_run(["/opt/envkit/jupyter/bin/python", "-I", "-c", start_it])
    assert done.exit_code == 0, done.output
    wait(container, lambda answer: answer["services"]["code-server"]["state"] == "STARTING")
