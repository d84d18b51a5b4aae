"""A container whose making was answered by silence is found again, or was not made."""

from __future__ import annotations

import pytest

from envkit.container.made import make
from envkit.container.maker import LABEL
from envkit.engines.failures import LinkLost
from envkit.engines.fake import FakeEngine
from envkit.engines.fake_containers import FakeContainers
from envkit.engines.values import RunRequest
from tests.environments import image


class Losing(FakeContainers):
    """Loses the answer of a creation, before or after it was done."""

    acts = True

    def create(self, request: RunRequest) -> str:
        if self.acts:
            super().create(request)
        raise LinkLost("creating: it broke the connection off", fix="run the command again")


def losing(*, acts: bool) -> FakeEngine:
    engine = FakeEngine()
    engine.images.add(image())
    engine.containers = Losing(engine.images)
    engine.containers.acts = acts
    return engine


def test_what_was_made_although_the_answer_was_lost_is_found() -> None:
    engine = losing(acts=True)
    made = make(engine, RunRequest(image="lab:dev", labels={"a": "b"}))
    [facts] = engine.containers.find({"a": "b"})
    assert facts.id == made
    assert LABEL in facts.labels


def test_what_was_not_made_is_a_failure() -> None:
    with pytest.raises(LinkLost):
        make(losing(acts=False), RunRequest(image="lab:dev"))


def test_another_making_of_this_process_is_not_taken_for_this_one() -> None:
    engine = losing(acts=True)
    first = make(engine, RunRequest(image="lab:dev"))
    assert make(engine, RunRequest(image="lab:dev")) != first
