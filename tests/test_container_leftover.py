"""After a failure nothing stays, or the failure says what does."""

from __future__ import annotations

import pytest

from envkit.container.leftover import removed_on_failure
from envkit.engines.fake import FakeEngine
from envkit.engines.fake_containers import FakeContainers
from envkit.engines.values import RunRequest
from envkit.errors import EngineError, EnvkitError
from tests.environments import image


class Stubborn(FakeContainers):
    """Removes nothing."""

    def remove(self, container: str) -> None:
        raise EngineError("nobody listens there", fix="start it")


def test_the_container_goes_and_the_failure_stays_what_it_was() -> None:
    engine = FakeEngine()
    engine.images.add(image())
    made = engine.containers.create(RunRequest(image="lab:dev"))
    with pytest.raises(EnvkitError) as caught, removed_on_failure(engine, made, fix="x"):
        raise EnvkitError("too slow", fix="wait")
    assert (caught.value.what, caught.value.fix) == ("too slow", "wait")
    assert engine.containers.find({}) == ()


def test_what_cannot_be_removed_is_named_beside_the_first_failure() -> None:
    engine = FakeEngine()
    engine.containers = Stubborn(engine.images)
    with pytest.raises(EnvkitError) as caught, removed_on_failure(engine, "c" * 64, fix="`envkit gc`"):
        raise EnvkitError("too slow", fix="wait")
    assert caught.value.what == "too slow\n  container cccccccccccc stays: nobody listens there"
    assert caught.value.fix == "wait; `envkit gc`"


def test_an_interruption_is_not_hidden_by_a_second_failure() -> None:
    engine = FakeEngine()
    engine.containers = Stubborn(engine.images)
    with pytest.raises(KeyboardInterrupt), removed_on_failure(engine, "c" * 64, fix="x"):
        raise KeyboardInterrupt
