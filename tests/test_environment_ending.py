"""Stopping, removing and listing environments, in memory."""

from __future__ import annotations

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ExecResult
from envkit.environment.ending import Loss, Stopped, loss, losses, remove, remove_all, stop, stop_all
from envkit.environment.states import environments
from envkit.environment.up import up
from envkit.errors import UsageError
from tests.environments import STATUS, Door, a_request, a_site


@pytest.fixture
def engine() -> FakeEngine:
    """An engine on which `lab` runs."""
    site, engine, _ = a_site(Door())
    up(site, a_request(port=20_123), lambda line: None)
    return engine


def seen(engine: FakeEngine) -> list[tuple[str, str, str]]:
    return [(one.name, one.state, one.reason) for one in environments(engine)]


def test_a_running_environment_is_listed_without_its_token(engine: FakeEngine) -> None:
    [one] = environments(engine)
    assert (one.name, one.state, one.image, one.home) == ("lab", "running", "lab:dev", "/data/home")
    assert one.url == "http://127.0.0.1:20123/env/lab/lab"
    assert "t1" not in repr(one)


def test_a_service_that_is_not_ready_is_named(engine: FakeEngine) -> None:
    answer = b'{"ready": false, "services": {"code-server": {"state": "FATAL", "answers": false}}}'
    engine.inside.scripts[STATUS] = ExecResult(code=1, stdout=answer, stderr=b"")
    assert seen(engine) == [("lab", "unhealthy", "code-server is FATAL")]


def test_a_container_that_does_not_tell_is_unhealthy(engine: FakeEngine) -> None:
    engine.inside.scripts[STATUS] = ExecResult(code=127, stdout=b"", stderr=b"not found")
    assert seen(engine) == [("lab", "unhealthy", "envkit-status did not answer")]


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("created", None, "creating"),
        ("exited", 0, "stopped"),
        ("exited", 137, "stopped"),
        ("exited", 127, "failed"),
        ("paused", None, "stopped"),
        ("restarting", 1, "failed"),
        ("exited", 143, "stopped"),
        ("exited", 3, "failed"),
        ("removing", None, "stopping"),
        ("dead", 1, "failed"),
    ],
)
def test_a_state_of_the_engine_has_a_word_of_ours(
    engine: FakeEngine, state: str, code: int | None, expected: str
) -> None:
    engine.containers.set_state("envkit-lab", state, code)
    assert [one.state for one in environments(engine)] == [expected]


def test_stopping_twice_is_fine(engine: FakeEngine) -> None:
    stop(engine, "lab")
    stop(engine, "lab")
    assert seen(engine) == [("lab", "stopped", "")]


def test_removing_twice_is_fine(engine: FakeEngine) -> None:
    lost = loss(engine, "lab")
    remove(engine, lost)
    remove(engine, lost)
    assert environments(engine) == ()


def test_removing_takes_what_was_shown_and_not_what_came_after_it(engine: FakeEngine) -> None:
    lost: Loss = loss(engine, "lab")
    remove(engine, lost)
    created = engine.containers.create(next(iter(engine.containers.requests.values())))
    remove(engine, lost)
    assert [facts.id for facts in engine.containers.find({})] == [created]


@pytest.mark.parametrize(
    ("name", "fix"), [("lap", "did you mean lab?"), ("zzz", "there are: lab"), ("", "there are: lab")]
)
def test_an_unknown_name_is_answered_with_what_there_is(engine: FakeEngine, name: str, fix: str) -> None:
    for ask in (stop, loss):
        with pytest.raises(UsageError) as caught:
            ask(engine, name)
        assert (caught.value.what, caught.value.fix) == (f"there is no environment {name!r}", fix)


def test_where_there_is_none_up_is_the_fix() -> None:
    with pytest.raises(UsageError) as caught:
        stop(FakeEngine(), "lab")
    assert caught.value.fix == "there is none; `envkit up` starts one"


@pytest.fixture
def three() -> FakeEngine:
    """An engine on which `a`, `b` and `c` run."""
    site, engine, _ = a_site(Door())
    for name in ("a", "b", "c"):
        up(site, a_request(name=name), lambda line: None)
    return engine


def test_several_are_stopped_and_each_says_how(three: FakeEngine) -> None:
    stop(three, "b")
    assert stop_all(three, ("c", "b", "c"), every=False) == (
        Stopped(name="c", how="stopped", grace_s=15),
        Stopped(name="b", how="was not running", grace_s=15),
    )
    assert [one.state for one in environments(three)] == ["running", "stopped", "stopped"]


def test_all_are_removed_after_showing_what_is_lost(three: FakeEngine) -> None:
    lost = losses(three, (), every=True)
    assert [one.environment.name for one in lost] == ["a", "b", "c"]
    remove_all(three, lost)
    assert environments(three) == ()


def test_where_one_name_is_wrong_nothing_is_done(three: FakeEngine) -> None:
    with pytest.raises(UsageError, match="there is no environment 'x'"):
        stop_all(three, ("a", "x"), every=False)
    assert {one.state for one in environments(three)} == {"running"}


@pytest.mark.parametrize(
    ("names", "every", "what"),
    [((), False, "which environment?"), (("a",), True, "--all, and names beside it")],
)
def test_nothing_is_guessed(three: FakeEngine, names: tuple[str, ...], every: bool, what: str) -> None:
    for ask in (stop_all, losses):
        with pytest.raises(UsageError) as caught:
            ask(three, names, every=every)
        assert caught.value.what == what
