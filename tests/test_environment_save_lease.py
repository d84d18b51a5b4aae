"""One save of an environment at a time; what a dead one left is undone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.container import maker as makers
from envkit.container.maker import this_process
from envkit.engines.fake import FakeEngine
from envkit.engines.values import OWNED_CONTAINER, ContainerFacts, RunRequest
from envkit.environment.save_lease import KIND, SavedByAnother, held, undo_dead
from envkit.errors import EngineError
from tests.saves import an_environment

GONE = replace(this_process(), pid=2**22 + 1, user="ada", machine="box", since="2026-01-01T11:00:00Z")
NAME = "envkit--save-lab"


@pytest.fixture
def engine() -> FakeEngine:
    return an_environment()


def lab(engine: FakeEngine) -> ContainerFacts:
    return engine.containers.require("envkit-lab")


def left_by_the_dead(engine: FakeEngine) -> None:
    """Leave what a save leaves that was killed while the engine had the environment paused."""
    with held(engine, lab(engine)):
        lease = engine.containers.require(NAME)
    engine.containers.add(replace(lease, labels={**lease.labels, **makers.labels(GONE)}))
    engine.containers.pause("envkit-lab")


def test_the_lease_goes_with_the_save(engine: FakeEngine) -> None:
    with held(engine, lab(engine)):
        assert engine.containers.require(NAME).labels["io.envkit.kind"] == KIND
    assert engine.containers.inspect(NAME) is None


def test_it_goes_with_a_save_that_fails(engine: FakeEngine) -> None:
    with pytest.raises(ValueError), held(engine, lab(engine)):
        raise ValueError
    assert engine.containers.inspect(NAME) is None


def test_two_saves_at_once_are_refused(engine: FakeEngine) -> None:
    with held(engine, lab(engine)), pytest.raises(SavedByAnother, match="lab is being saved by"):
        held(engine, lab(engine)).__enter__()


def test_a_dead_save_s_pause_is_ended_by_the_next(engine: FakeEngine) -> None:
    left_by_the_dead(engine)
    assert undo_dead(engine, lab(engine)) is True
    assert lab(engine).state == "running"
    assert engine.containers.inspect(NAME) is None
    assert undo_dead(engine, lab(engine)) is False


def test_a_dead_save_is_no_hindrance(engine: FakeEngine) -> None:
    left_by_the_dead(engine)
    with held(engine, lab(engine)):
        assert lab(engine).state == "running"


def test_a_living_save_is_never_undone(engine: FakeEngine) -> None:
    with held(engine, lab(engine)):
        engine.containers.pause("envkit-lab")
        assert undo_dead(engine, lab(engine)) is False
        assert lab(engine).state == "paused"


def test_a_container_of_that_name_that_is_not_ours_is_left_alone(engine: FakeEngine) -> None:
    made = engine.containers.create(RunRequest(image="lab:dev", name=NAME))
    theirs = engine.containers.require(made)
    labels = {name: value for name, value in theirs.labels.items() if name != OWNED_CONTAINER}
    engine.containers.add(replace(theirs, labels=labels))
    with pytest.raises(EngineError, match="is not envkit's"):
        held(engine, lab(engine)).__enter__()
    assert engine.containers.inspect(NAME) is not None
