"""Failures with names: the engine restarts or has a full disk, a port is lost, a log is cut and rotates."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.faults import table as at
from tests.faults.conftest import Envkit, Named, Start, only_state
from tests.faults.private_engine import PrivateEngine
from tests.faults.proxy import Proxy, Rule
from tests.real.up.conftest import IMAGE

pytestmark = pytest.mark.real

FULL = "the engine's disk is full"
COUNT = 20_000


@pytest.fixture
def slow(environment: dict[str, str]) -> Iterator[None]:
    """VS Code of the stand-in image does not answer for as long as this is in use."""
    mark = Path(environment["HOME"], "envkit", "home", "break-vscode")
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    yield
    mark.unlink()


def test_a_port_lost_between_look_and_bind_is_replaced(
    start: Start, proxy: Proxy, name: str, containers: Named
) -> None:
    rule = proxy.break_at(Rule(do="block-before", method=at.START[0], path=at.START[1]))
    process = start("up", IMAGE, "--name", name)
    assert rule.reached.wait(30)
    port = int(containers()[0].labels["io.envkit.port"])
    with socket.create_server(("127.0.0.1", port)):
        rule.go.set()
        code, text = process.wait()
    assert code == 0, text
    assert f"port {port} was taken in between: trying another" in text
    [found] = containers()
    assert (found.status, found.labels["io.envkit.port"] != str(port)) == ("running", True)


def test_a_full_disk_of_the_engine_is_named_and_leaves_nothing(
    private: PrivateEngine, envkit: Envkit, name: str, containers: Named
) -> None:
    filler = private.data / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb") as file:
        while True:
            file.write(bytes(1 << 20))
    try:
        said = envkit("up", IMAGE, "--name", name)
    finally:
        filler.unlink()
    assert (said.code, FULL in said.stderr, "fix: free space" in said.stderr) == (5, True, True), said
    assert containers() == []
    assert envkit("up", IMAGE, "--name", name).code == 0
    assert only_state(containers()) == "running"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_restarts_in_the_middle_is_named_and_up_goes_on(  # noqa: PLR0913  fixtures
    how: signal.Signals, private: PrivateEngine, start: Start, envkit: Envkit, name: str, containers: Named,
    environment: dict[str, str], slow: None,
) -> None:  # fmt: skip
    process = start("up", IMAGE, "--name", name, "--timeout", "60", DOCKER_HOST=f"unix://{private.socket}")
    process.line("waiting for its IDEs")
    private.end(how)
    code, text = process.wait()
    again = envkit("ps")
    private.start().close()
    assert code == 5, text
    assert "nobody listens there" in text or "it broke the connection off" in text or "no socket" in text
    assert f"`envkit rm {name}` removes it" in text
    assert again.code == 5
    Path(environment["HOME"], "envkit", "home", "break-vscode").unlink()
    assert envkit("up", IMAGE, "--name", name).code == 0
    Path(environment["HOME"], "envkit", "home", "break-vscode").touch()
    assert only_state(containers()) == "running"


def test_a_log_that_rotates_and_is_cut_comes_whole_and_once(
    start: Start, proxy: Proxy, engine: docker.DockerClient, name: str
) -> None:
    labels = {
        "io.envkit.container": "true", "io.envkit.owned": "true",
        "io.envkit.kind": "environment", "io.envkit.environment": name,
    }  # fmt: skip
    made = engine.containers.create(
        IMAGE, ["-c", f"sleep 1; seq {COUNT}"], entrypoint="sh", name=f"envkit-{name}", labels=labels,
        log_config=docker.types.LogConfig(type="json-file", config={"max-size": "500k", "max-file": "9"}),
    )  # fmt: skip
    for number in (1, 2, 3):
        proxy.break_at(
            Rule(do="cut-reply", method=at.LOGS[0], path=at.LOGS[1], occurrence=number, size=40_000 * number)
        )
    made.start()
    code, text = start("logs", name, "-f").wait()
    assert code == 0, text[-500:]
    assert [line for line in text.splitlines() if line.isdigit()] == [str(n) for n in range(1, COUNT + 1)]
    assert proxy.seen.count(f"GET /containers/{made.id}/logs") >= 4
