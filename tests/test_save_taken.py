"""A copy of a container, without what its starter gave it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.engines.values import ContainerFacts, RunRequest
from envkit.save.taken import taken


def started(engine: FakeEngine) -> ContainerFacts:
    engine.images.add(replace(EMPTY, tags=("web:1",), env={"PATH": "/bin"}, user="app", command=("serve",)))
    request = RunRequest(image="web:1", env={"TOKEN": "hunter2"}, command=("sleep", "9"), user="0:0")
    identity = engine.containers.create(request)
    engine.containers.start(identity)
    facts = engine.containers.inspect(identity)
    assert facts is not None
    return facts


def test_it_has_the_configuration_of_the_image_and_goes_with_its_use() -> None:
    engine = FakeEngine()
    container = started(engine)
    before = engine.images.list({})
    with taken(engine, container, "web", "a copy") as copy:
        assert copy.tags[0].startswith("envkit-unverified/web:copy-")
        assert (dict(copy.env), copy.user, copy.command) == ({"PATH": "/bin"}, "app", ("serve",))
        assert copy.labels["io.envkit.owned"] == "true" and "io.envkit.save" not in copy.labels
    assert engine.images.list({}) == before


def test_a_failure_leaves_nothing_either() -> None:
    engine = FakeEngine()
    container = started(engine)
    before = engine.images.list({})
    with pytest.raises(KeyError), taken(engine, container, "web", "a copy"):
        raise KeyError
    assert engine.images.list({}) == before


def test_an_engine_that_loads_nothing_on_top_gets_the_lower_layers_too() -> None:
    engine = FakeEngine(replace(FakeEngine().facts(), loads_on_top=False))
    with taken(engine, started(engine), "web", "a copy") as copy:
        assert copy.user == "app"
