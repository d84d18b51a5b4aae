"""Our images: what is listed, and what may go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import OWNED, RunRequest
from envkit.errors import EnvkitError, UsageError
from envkit.save.stock import remove, stock
from tests.environments import image

OTHER = "sha256:" + "c" * 64
RUN = {"io.envkit.kind": "run", "io.envkit.run": "mnist"}


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.images.add(replace(image(), created="2026-01-01T00:00:00Z"))
    return made


def gone(engine: FakeEngine, *names: str) -> list[tuple[str, bool]]:
    return [(taken.name, taken.is_gone) for taken in remove(engine, names, lambda taken: None)]


def test_ours_are_listed_the_newest_first_with_who_uses_them(engine: FakeEngine) -> None:
    newer = replace(image(), id=OTHER, tags=("new:dev",), created="2026-02-01T00:00:00Z")
    engine.images.add(newer)
    engine.images.add(replace(image(), id="sha256:" + "d" * 64, tags=()))  # a step in between
    engine.images.add(replace(image(), id="sha256:" + "f" * 64, tags=("envkit-unverified/lab:0123-x",)))
    engine.images.tag("lab:dev", "envkit-unverified/push:0123-x")
    engine.images.add(replace(image(), id="sha256:" + "e" * 64, tags=("theirs:1",), labels={}))
    labels = {"io.envkit.kind": "environment", "io.envkit.environment": "mine"}
    engine.containers.create(RunRequest(image="lab:dev", name="envkit-mine", labels=labels))
    engine.containers.create(RunRequest(image="lab:dev", name="other"))
    rows = [(row.names, row.verdict, row.used_by) for row in stock(engine)]
    assert rows == [
        (("new:dev",), "none", ()),
        (("lab:dev",), "none", ("container other", "environment mine")),
    ]


def test_several_go_at_once(engine: FakeEngine) -> None:
    engine.images.add(replace(image(), id=OTHER, tags=("new:dev",)))
    assert gone(engine, "lab:dev", "new:dev") == [("lab:dev", True), ("new:dev", True)]
    assert stock(engine) == ()


def test_a_name_goes_and_the_image_stays_with_its_others(engine: FakeEngine) -> None:
    engine.images.tag("lab:dev", "lab:x")
    assert gone(engine, "lab:x") == [("lab:x", False)]


def test_by_its_id_an_image_goes_with_all_its_names(engine: FakeEngine) -> None:
    engine.images.tag("lab:dev", "lab:x")
    assert gone(engine, image().id) == [("lab:dev", False), ("lab:x", True)]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({}, "theirs:1 is not envkit's: it is left alone"),
        ({OWNED: "true", "io.envkit.kind": "base"}, "theirs:1 is no environment's image"),
    ],
)
def test_nothing_goes_when_one_is_not_ours(engine: FakeEngine, labels: dict[str, str], said: str) -> None:
    engine.images.add(replace(image(), id=OTHER, tags=("theirs:1",), labels=labels))
    with pytest.raises(EnvkitError, match=said):
        gone(engine, "lab:dev", "theirs:1")
    assert engine.images.inspect("lab:dev") is not None


def test_nothing_goes_when_one_is_in_use(engine: FakeEngine) -> None:
    labels = {"io.envkit.kind": "environment", "io.envkit.environment": "mine"}
    engine.containers.create(RunRequest(image="lab:dev", name="envkit-mine", labels=labels))
    with pytest.raises(EnvkitError) as caught:
        gone(engine, "lab:dev")
    assert (caught.value.what, caught.value.fix) == (
        "lab:dev is in use by environment mine",
        "`envkit rm mine` first",
    )


@pytest.mark.parametrize(
    ("labels", "starts", "said", "fix"),
    [
        ({}, False, "container web", "`docker rm web` first"),
        ({}, True, "container web", "`docker stop web` and `docker rm web` first"),
        (RUN, False, "run mnist", "`envkit gc` first: the run has ended"),
        (RUN, True, "run mnist", "`envkit stop mnist`, then `envkit gc`"),
    ],
)
def test_the_fix_takes_away_whoever_uses_it(
    engine: FakeEngine, labels: dict[str, str], starts: bool, said: str, fix: str
) -> None:
    web = engine.containers.create(RunRequest(image="lab:dev", name="web", labels=labels))
    if not labels:
        engine.containers.add(replace(engine.containers.require(web), labels={}))
    if starts:
        engine.containers.start(web)
    with pytest.raises(EnvkitError) as caught:
        gone(engine, "lab:dev")
    assert (caught.value.what, caught.value.fix) == (f"lab:dev is in use by {said}", fix)


def test_what_was_adopted_says_from_what(engine: FakeEngine) -> None:
    label = {"io.envkit.adopted": '{"from": "team/train:1.0", "container": "web"}'}
    engine.images.add(replace(image(**label), id=OTHER, tags=("web-ide:dev",)))
    assert stock(engine)[1].lineage == ("adopted from team/train:1.0, as its container web was",)


def test_what_is_not_there_is_a_wrong_command_line(engine: FakeEngine) -> None:
    with pytest.raises(UsageError, match="there is no image 'lab:nope' here"):
        gone(engine, "lab:nope")
