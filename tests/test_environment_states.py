"""What envkit-status says, as a state and its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ExecResult, RunRequest, Usage
from envkit.environment.lookup import KIND
from envkit.environment.states import environments, services_state
from envkit.environment.up import up
from tests.environments import STATUS, Door, a_request, a_site

UP = {"state": "RUNNING", "answers": True}
COMING = {"state": "STARTING", "answers": False}
MUTE = {"state": "RUNNING", "answers": False}
DEAD = {"state": "FATAL", "answers": False, "reason": "no such file"}
ENDING = {"state": "STOPPING", "answers": False}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ready": True, "services": {"jupyterlab": UP}}, ("running", "")),
        (
            {"ready": False, "services": {"jupyterlab": UP, "code-server": COMING}},
            ("starting", "code-server is STARTING"),
        ),
        (
            {"ready": False, "services": {"jupyterlab": MUTE}},
            ("starting", "jupyterlab is RUNNING but does not answer"),
        ),
        (
            {"ready": False, "services": {"jupyterlab": COMING, "code-server": DEAD}},
            ("unhealthy", "jupyterlab is STARTING, code-server is FATAL: no such file"),
        ),
        ({"ready": False, "services": {}, "reason": "no supervisor"}, ("starting", "no supervisor")),
        (
            {"ready": False, "services": {}, "stopping": True, "reason": "idle for 2 h"},
            ("stopping", "idle for 2 h"),
        ),
        ({"ready": False, "services": {"jupyterlab": ENDING, "code-server": UP}}, ("stopping", "")),
        ({"services": {}, "reason": "it does not answer: <Fault 6: 'SHUTDOWN_STATE'>"}, ("stopping", "")),
        ({}, ("starting", "")),
    ],
)
def test_a_state_is_judged_by_the_service_that_is_worst(
    answer: Mapping[str, object], expected: tuple[str, str]
) -> None:
    assert services_state(answer) == expected


@pytest.fixture
def engine() -> FakeEngine:
    """An engine on which `lab` runs."""
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    return engine


def seen(engine: FakeEngine) -> list[tuple[str, str]]:
    return [(one.state, one.reason) for one in environments(engine)]


def becomes(engine: FakeEngine, **facts: object) -> None:
    """Put lab's container into another condition."""
    engine.containers.add(replace(engine.containers.require("envkit-lab"), **facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(("age_s", "state"), [(60, "starting"), (600, "unhealthy")])
def test_who_is_silent_for_long_does_not_start_but_hangs(engine: FakeEngine, age_s: int, state: str) -> None:
    answer = b'{"ready": false, "services": {"jupyterlab": {"state": "RUNNING", "answers": false}}}'
    engine.inside.scripts[STATUS] = ExecResult(code=1, stdout=answer, stderr=b"")
    becomes(engine, started="1970-01-01T00:00:00.5Z")
    lab = engine.containers.require("envkit-lab").id
    used = Usage(taken_ns=age_s * 10**9, cpu_ns=0, memory_bytes=0, limit_bytes=0, processes=1)
    engine.watch.usages[lab] = [used]
    assert seen(engine) == [(state, "jupyterlab is RUNNING but does not answer")]


def test_what_ended_while_it_was_asked_has_ended(engine: FakeEngine) -> None:
    def ended(*asked: object) -> ExecResult:
        engine.containers.stop("envkit-lab", 1)
        return ExecResult(code=1, stdout=b"", stderr=b"")

    engine.inside.scripts[STATUS] = ended
    assert seen(engine) == [("stopped", "")]


OOM = "the kernel ended a process in it, out of memory"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"state": "exited", "exit_code": 0}, ("stopped", "")),
        ({"state": "exited", "exit_code": 143}, ("stopped", "")),
        (
            {"state": "exited", "exit_code": 137},
            ("stopped", "it was killed: it did not end in time, or somebody did it"),
        ),
        (
            {"state": "exited", "exit_code": 137, "oom_killed": True},
            ("failed", "out of memory: the kernel ended it"),
        ),
        ({"state": "exited", "exit_code": 0, "oom_killed": True}, ("stopped", OOM)),
        ({"state": "running", "oom_killed": True}, ("running", OOM)),
        ({"state": "exited", "exit_code": 3}, ("failed", "exit code 3; it said: no such disk, token=***")),
        (
            {"state": "exited", "exit_code": 127, "error": "no such program"},
            ("failed", "its command could not be started: no such program"),
        ),
        (
            {"state": "restarting", "exit_code": 1, "restarts": 4},
            (
                "failed",
                "it ends again and again (4 times), with exit code 1; it said: no such disk, token=***",
            ),
        ),
    ],
)
def test_an_end_is_told_as_exactly_as_it_is_known(
    engine: FakeEngine, facts: Mapping[str, object], expected: tuple[str, str]
) -> None:
    lab = engine.containers.require("envkit-lab").id
    engine.containers.printed[lab] = b"hello\n\x1b[31mno such disk, token=abc\x1b[0m\n\n"
    becomes(engine, **facts)
    assert seen(engine) == [expected]


def test_a_failure_text_that_is_known_is_explained(engine: FakeEngine) -> None:
    lab = engine.containers.require("envkit-lab").id
    engine.containers.printed[lab] = b"ImportError: libhccl.so: cannot open shared object file\nbye\n"
    becomes(engine, state="exited", exit_code=1)
    ((state, reason),) = seen(engine)
    assert state == "failed"
    assert reason.startswith("exit code 1; it said: bye; likely: CANN is not there")
    assert "(fix: use an image on a CANN base" in reason


def test_two_hundred_environments_cost_a_list_and_a_look_at_each(engine: FakeEngine) -> None:
    for number in range(199):
        labels = {"io.envkit.kind": "environment", "io.envkit.environment": f"e{number}"}
        made = replace(engine.containers.require("envkit-lab"), id=f"id{number}", name=f"envkit-e{number}")
        engine.containers.add(replace(made, labels={**made.labels, **labels}))
    calls: list[str] = []
    counted = CountingEngine(engine, calls)
    engine.inside.requests.clear()
    assert len(environments(counted)) == 200  # type: ignore[arg-type]
    assert (calls, len(engine.inside.requests)) == (["containers", *["inside"] * 200], 200)


@dataclass
class CountingEngine:
    """An engine that notes which of its parts is asked."""

    engine: FakeEngine
    calls: list[str]

    def __getattr__(self, part: str) -> object:
        self.calls.append(part)
        return getattr(self.engine, part)


def test_an_environment_that_waits_for_secrets_says_so() -> None:
    said = "waiting for secrets: A; `envkit start` brings them"
    assert services_state({"services": {}, "ready": False, "reason": said}) == ("starting", said)


def test_a_container_that_does_not_say_where_it_is_has_no_url(engine: FakeEngine) -> None:
    engine.containers.create(RunRequest(image="lab:dev", name="envkit-odd", labels=KIND))
    assert [one.url for one in environments(engine) if not one.url.endswith("/env/lab/lab")] == [""]
