"""What is asked inside an environment about its use, on an engine in memory."""

from __future__ import annotations

import json

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ExecResult
from envkit.environment.ending import stop
from envkit.environment.idle import PROGRAM, Explained, Signal, explain, keep
from envkit.environment.lookup import require
from envkit.environment.states import environments
from envkit.environment.up import up
from envkit.errors import EngineError, UsageError
from tests.environments import STATUS, Door, a_request, a_site

TOLD = {
    "state": "active",
    "why": "kernels: 1 of 1 busy",
    "idle_after_s": 7200.0,
    "stops_in_s": 7200.0,
    "kept_s": 0.0,
    "quiet_s": 0.0,
    "signals": [
        {
            "name": "kernels",
            "value": "1 of 1 busy",
            "active": True,
            "failed": False,
            "quiet_s": 0.0,
            "mark": "m",
        }
    ],
}
KEEP = (PROGRAM, "keep", "28800")
ENDED = (PROGRAM, "ended", "stopped by `envkit stop`")
DONE = ExecResult(code=0, stdout=b"", stderr=b"")


@pytest.fixture
def engine() -> FakeEngine:
    """An engine on which `lab` runs, and stops when nobody uses it."""
    site, engine, _ = a_site(Door())
    up(site, a_request(idle_stop_s=7200), lambda line: None)
    return engine


def always() -> FakeEngine:
    """Return an engine on which `lab` runs, and never stops."""
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    return engine


def seen(engine: FakeEngine) -> tuple[str, str]:
    [one] = environments(engine)
    return one.state, one.reason


def answers(engine: FakeEngine, **idle: object) -> None:
    text = json.dumps({"ready": True, "services": {}, "idle": idle}).encode()
    engine.inside.scripts[STATUS] = ExecResult(code=0, stdout=text, stderr=b"")


def test_it_is_started_with_its_time_and_a_way_to_end_for_good(engine: FakeEngine) -> None:
    [request] = engine.containers.requests.values()
    assert (request.restart, request.env["ENVKIT_IDLE_STOP_S"]) == ("on-failure", "7200")
    [other] = always().containers.requests.values()
    assert (other.restart, "ENVKIT_IDLE_STOP_S" in other.env) == ("unless-stopped", False)


def test_every_signal_is_told(engine: FakeEngine) -> None:
    engine.inside.scripts[(PROGRAM, "explain")] = ExecResult(
        code=0, stdout=json.dumps(TOLD).encode(), stderr=b""
    )
    assert explain(engine, "lab") == Explained(
        name="lab",
        state="active",
        why="kernels: 1 of 1 busy",
        idle_after_s=7200.0,
        stops_in_s=7200.0,
        kept_s=0.0,
        signals=(Signal(name="kernels", value="1 of 1 busy", active=True, failed=False, quiet_s=0.0),),
    )


@pytest.mark.parametrize("text", [b"", b"[]", b'{"signals": [{}]}', b"{}"])
def test_an_answer_of_another_kind_is_an_error(engine: FakeEngine, text: bytes) -> None:
    engine.inside.scripts[(PROGRAM, "explain")] = ExecResult(code=0, stdout=text, stderr=b"")
    with pytest.raises(EngineError, match="does not tell how it is used"):
        explain(engine, "lab")


def test_an_image_without_the_program_is_named(engine: FakeEngine) -> None:
    with pytest.raises(EngineError, match="envkit-idle failed: /opt/envkit/bin/envkit-idle: not found"):
        explain(engine, "lab")


def test_keep_reaches_the_watcher(engine: FakeEngine) -> None:
    engine.inside.scripts[KEEP] = DONE
    assert keep(engine, None, 28_800) == "lab"


def test_there_is_nothing_to_keep_where_nothing_stops() -> None:
    with pytest.raises(UsageError, match="never stops by itself"):
        keep(always(), "lab", 28_800)


def test_a_stopped_one_is_neither_kept_nor_explained(engine: FakeEngine) -> None:
    engine.containers.set_state(require(engine, "lab").id, "exited", 0)
    for ask in (lambda: keep(engine, "lab", 60), lambda: explain(engine, "lab")):
        with pytest.raises(UsageError, match="does not run"):
            ask()


def test_ps_says_that_it_is_idle_and_when_it_stops(engine: FakeEngine) -> None:
    answers(engine, state="idle", why="idle for 1 h 46 min", stops_in_s=840.0)
    assert seen(engine) == ("idle", "nobody uses it: stops in 14 min")
    answers(engine, state="kept", why="kept for 7 h 59 min more", stops_in_s=28_740.0)
    assert seen(engine) == ("running", "kept for 7 h 59 min more")
    answers(engine, state="quiet", why="quiet for 3 min", stops_in_s=7000.0)
    assert seen(engine) == ("running", "")


def test_ps_says_why_it_stopped_and_only_what_may_be_printed(engine: FakeEngine) -> None:
    facts = require(engine, "lab")
    engine.containers.set_state(facts.id, "exited", 0)
    for text, reason in (
        (b'{"reason": "idle for 2 h 03 min"}', "idle for 2 h 03 min"),
        (b'{"reason": "\\u001b[2Jgone"}', " [2Jgone"),
        (b"not json", ""),
        (b"[]", ""),
    ):
        engine.inside.put(facts.id, {f"/tmp/envkit-{facts.user.split(':')[0]}/ended.json": text})
        assert seen(engine) == ("stopped", reason)


def test_an_end_by_signal_has_no_reason_of_its_own(engine: FakeEngine) -> None:
    facts = require(engine, "lab")
    engine.containers.set_state(facts.id, "exited", 143)
    assert seen(engine) == ("stopped", "")


def test_stop_says_first_that_it_is_meant(engine: FakeEngine) -> None:
    engine.inside.scripts[ENDED] = DONE
    stop(engine, "lab")
    assert ENDED in [request.command for request in engine.inside.requests]


def test_stop_stops_one_that_does_not_listen(engine: FakeEngine) -> None:
    stop(engine, "lab")
    assert seen(engine)[0] == "stopped"


def test_stop_says_nothing_where_the_engine_starts_nothing_again() -> None:
    engine = always()
    stop(engine, "lab")
    assert ENDED not in [request.command for request in engine.inside.requests]
