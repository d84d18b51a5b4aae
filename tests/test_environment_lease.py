"""Who came second says who is at it, and goes on only where nobody is any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.container import maker as makers
from envkit.container.maker import Maker, this_process
from envkit.container.wait import Gone
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts
from envkit.environment.lease import wait_for_others
from envkit.environment.up import up
from envkit.errors import EnvkitError
from tests.environments import Door, a_request, a_site

GONE = replace(this_process(), user="ada", machine="box", pid=2**22 + 1, since="2026-01-01T12:00:00Z")
ELSEWHERE = replace(GONE, place="elsewhere")
ALIVE = replace(this_process(), user="ada", machine="box", since="2026-01-01T12:00:00Z")
WHO = "ada@box (pid 4194305, since 2026-01-01 12:00:00Z)"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that goes on by what is slept."""
    now = [0.0]
    module = "envkit.environment.lease"
    monkeypatch.setattr(f"{module}.time.monotonic", lambda: now[0])
    monkeypatch.setattr(f"{module}.time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def half_made(maker: Maker, state: str = "created") -> tuple[FakeEngine, ContainerFacts]:
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    [made] = engine.containers.find({})
    facts = replace(made, labels={**made.labels, **makers.labels(maker)}, state=state)  # type: ignore[arg-type]
    engine.containers.add(facts)
    return engine, facts


def test_what_a_process_that_is_gone_left_is_taken_at_once(clock: list[float]) -> None:
    engine, facts = half_made(GONE)
    said: list[str] = []
    assert wait_for_others(engine, facts, 60, said.append) == "created"
    assert said == [f"environment lab was left half-made by {WHO}, who has ended: going on with it"]
    assert clock == [0.0]


def test_a_maker_of_another_machine_has_the_time_of_a_lease(clock: list[float]) -> None:
    engine, facts = half_made(ELSEWHERE)
    said: list[str] = []
    assert wait_for_others(engine, facts, 60, said.append) == "created"
    assert said == [f"environment lab is being made by {WHO}: waiting for that"]
    assert 5.0 <= clock[0] < 6.0


def test_a_maker_that_lives_is_waited_for_and_named_in_the_end(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envkit.environment.lease.is_this_process", lambda maker: False)
    engine, facts = half_made(ALIVE)
    with pytest.raises(EnvkitError, match=r"is being made by ada@box .*: not started within 60 s"):
        wait_for_others(engine, facts, 60, lambda line: None)
    assert clock[0] >= 60.0


def test_one_that_runs_is_told_with_whoever_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envkit.environment.lease.is_this_process", lambda maker: False)
    said: list[str] = []
    engine, facts = half_made(ALIVE, "running")
    assert wait_for_others(engine, facts, 60, said.append) == "running"
    assert said[0].endswith(", who waits for it too")
    engine, facts = half_made(GONE, "running")
    assert wait_for_others(engine, facts, 60, said.append) == "running"
    assert len(said) == 1


def test_one_that_is_being_removed_is_gone(clock: list[float]) -> None:
    engine, facts = half_made(GONE, "removing")
    with pytest.raises(Gone):
        wait_for_others(engine, facts, 60, lambda line: None)
