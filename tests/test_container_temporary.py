"""Containers for a moment."""

from __future__ import annotations

import pytest

from envkit.container.temporary import running
from envkit.engines.failures import PortTaken
from envkit.engines.fake import FakeEngine
from envkit.engines.values import Port, RunRequest
from tests.environments import image


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.images.add(image())
    return engine


def test_it_runs_with_its_files_and_its_label_and_is_gone_afterwards(engine: FakeEngine) -> None:
    with running(engine, RunRequest(image="lab:dev", labels={"a": "b"}), {"/x": b"y"}) as container:
        [facts] = engine.containers.find({"io.envkit.kind": "temporary", "a": "b"})
        assert (facts.id, facts.state) == (container, "running")
        assert engine.inside.get(container, "/x") == b"y"
    assert engine.containers.find({}) == ()


def test_it_is_gone_after_a_failure_of_whoever_used_it(engine: FakeEngine) -> None:
    with pytest.raises(KeyboardInterrupt), running(engine, RunRequest(image="lab:dev")):
        raise KeyboardInterrupt
    assert engine.containers.find({}) == ()


def test_it_is_gone_when_it_could_not_start(engine: FakeEngine) -> None:
    engine.containers.busy_ports = {80}
    asked = RunRequest(image="lab:dev", ports=(Port(container_port=1, host_port=80),))
    with pytest.raises(PortTaken), running(engine, asked):
        pass
    assert engine.containers.find({}) == ()
