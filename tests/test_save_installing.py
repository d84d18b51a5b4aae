"""Installing in a container: the same steps, then a commit, and nothing of the way left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult
from envkit.errors import EngineError
from envkit.image.adopt import Place, consider, find_image
from envkit.image.build import BuildOptions, plan_build
from envkit.image.planned import Planned
from envkit.image.proving import Reports
from envkit.save.installing import make_by_commit
from tests.adoptions import IMAGE, Image
from tests.scripted_host import ScriptedHost

QUIET = Reports(note=lambda text: None, event=lambda event: None, item=lambda item: None)


class Doing(dict[tuple[str, ...], object]):
    """Commands that all go well but those that hold a word; it notes each with its user."""

    def __init__(self, fails_at: str = "") -> None:
        super().__init__()
        self.done: list[tuple[str | None, str]] = []
        self._fails_at = fails_at

    def get(self, key: tuple[str, ...], default: object = None) -> object:
        """Answer any command."""
        return self._answer

    def _answer(self, container: ContainerFacts, request: ExecRequest) -> ExecResult:
        text = request.command[-1]
        self.done.append((request.user, text))
        fails = bool(self._fails_at) and self._fails_at in text
        return ExecResult(code=int(fails), stdout=b"no mirror\n" if fails else b"", stderr=b"")


def with_debian() -> FakeEngine:
    engine = Image().engine()
    for name in ("debian:12", "tools"):  # the builder in memory takes a stage's name for an image's
        engine.images.add(replace(EMPTY, tags=(name,)))
    return engine


def planned(engine: FakeEngine) -> tuple[Planned, Place]:
    place = Place(engine=engine, host=ScriptedHost(), reports=QUIET)
    adoption = consider(find_image(IMAGE, place), None, place)
    return plan_build(adoption.loaded, engine, place.host, adoption.options), place


def make(engine: FakeEngine, doing: Doing) -> str:
    plan, _ = planned(engine)
    engine.inside.scripts = doing  # type: ignore[assignment]

    return make_by_commit(plan, engine, BuildOptions(), QUIET)


def test_every_step_is_done_as_its_user_and_nothing_of_the_way_stays() -> None:
    engine, doing = with_debian(), Doing()
    before = {facts.id for facts in engine.images.list({})}
    made = make(engine, doing)
    users = [user for user, text in doing.done if "uv venv" in text or "pip install -c" in text]
    assert users == ["4321:0", "4321:0"]
    assert any(text.startswith("rm -rf /run/envkit /run/envkit-*") for _, text in doing.done)
    asked = [one.network for one in engine.containers.requests.values() if one.image == IMAGE]
    assert asked[-1] == "host"  # as a build has it
    left = {facts.id: facts.tags for facts in engine.images.list({}) if facts.id not in before}
    assert list(left) == [made] and engine.containers.find({}) == ()
    said = engine.builder.requests[-1]
    assert said.context.name == "context"


def test_a_step_that_fails_is_told_with_its_last_lines_and_leaves_nothing() -> None:
    engine = with_debian()
    before = engine.images.list({})
    with pytest.raises(EngineError, match="installing in the container failed with exit code 1") as caught:
        make(engine, Doing(fails_at="uv venv"))
    assert caught.value.what.endswith("\n    no mirror")
    assert engine.images.list({}) == before and engine.containers.find({}) == ()


def test_a_copy_that_breaks_off_is_told() -> None:
    engine, doing = with_debian(), Doing(fails_at="/opt/build")
    with pytest.raises(EngineError, match="could not be copied into the container"):
        make(engine, doing)
