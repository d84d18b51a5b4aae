"""Every fault of the table, on the real engine: what is said, what is left; and the next run converges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import docker
import pytest

from tests.faults.conftest import Envkit, Kill, Named, only_state
from tests.faults.proxy import Proxy, Rule
from tests.faults.table import FAULTS, WRITE, Begin, Fault
from tests.real.up.conftest import IMAGE

pytestmark = pytest.mark.real

NAME = "f-table"
WORDS = {
    "up": ("up", IMAGE, "--name", NAME, "--timeout", "20"),
    "stop": ("stop", NAME),
    "rm": ("rm", NAME, "--yes"),
    "ps": ("ps",),
    "logs": ("logs", NAME),
}
# What the verb leaves when nothing is broken.
WANTED = {"up": "running", "stop": "exited", "rm": "-", "ps": "running", "logs": "running"}
Prepare = Callable[[Begin], None]


@pytest.fixture
def name() -> str:
    """One name for all: a fault that changes nothing leaves the next test its environment."""
    return NAME


@pytest.fixture(scope="module", autouse=True)
def cleaned(engine: docker.DockerClient) -> Iterator[None]:
    """Leave the engine as it was."""
    yield
    for one in engine.containers.list(all=True, filters={"label": f"io.envkit.environment={NAME}"}):
        one.remove(force=True)


@pytest.fixture
def prepare(envkit: Envkit, containers: Named, kill: Kill) -> Prepare:
    """Bring the environment into the state that a fault begins with."""

    def to(begin: Begin) -> None:
        state = only_state(containers())
        if begin in ("nothing", "created") and state != "-":
            containers()[0].remove(force=True)
        if begin == "created":
            kill(Rule(do="block-before", method=WRITE[0], path=WRITE[1]), *WORDS["up"])
        if begin in ("running", "stopped") and state != "running":
            assert envkit(*WORDS["up"]).code == 0
        if begin == "stopped":
            assert envkit(*WORDS["stop"]).code == 0

    return to


def test_the_table_has_forty_faults_on_paths_of_their_own() -> None:
    assert len(FAULTS) >= 40
    assert [path for path, times in Counter(map(str, FAULTS)).items() if times > 1] == []
    assert {fault.verb for fault in FAULTS} == set(WORDS)


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for an engine that hangs, but not long."""
    if "patience" in request.node.name:
        monkeypatch.setenv("ENVKIT_ENGINE_TIMEOUT", "4")


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_named_and_the_next_run_converges(
    fault: Fault, proxy: Proxy, envkit: Envkit, prepare: Prepare, watched: Callable[[str], None]
) -> None:
    prepare(fault.begin)
    rule = proxy.break_at(fault.rule())
    proxy.rules += [fault.also] if fault.also else []
    said = envkit(*WORDS[fault.verb])
    proxy.mend()
    assert rule.met >= rule.occurrence
    assert (said.code, fault.says in said.stdout + said.stderr) == (fault.code, True), said
    assert said.code == 0 or ("error: " in said.stderr and "\n  fix: " in said.stderr)
    watched(fault.state)
    again = envkit(*WORDS[fault.verb])
    gone = fault.verb == "rm" and fault.state == "-"
    assert again.code == (2 if gone else 0), again
    watched(WANTED[fault.verb])
