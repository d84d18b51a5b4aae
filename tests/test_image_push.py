"""Pushing, with an engine in memory: what is sent, tried again, compared, and named for a moment."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from envkit.engines.failures import RegistryFailed
from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import made_id
from envkit.engines.values import Published, Sent
from envkit.environment.garbage import Place, leftovers, sweep
from envkit.errors import EngineError, EnvkitError, UsageError
from envkit.image.push import PushWish, View, push
from envkit.image.verdict import Item, Verdict, to_label
from tests.environments import TalkingHost, image

HOST = TalkingHost({})
TO = "registry.example:5000/team/lab:1"
VERDICT = Verdict(
    image="sha256:" + "b" * 64,
    items=(
        Item(id="jupyter", identity="1000:0", sentence="it answers", outcome="passed", reason=""),
        Item(id="jupyter", identity="1234567:0", sentence="it answers", outcome="passed", reason=""),
    ),
)


def failure(*, again: bool) -> RegistryFailed:
    return RegistryFailed("pushing: it is out of order", fix="wait", kind="5xx", again=again)


class Heard:
    """What a push said, and how long it waited."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.sent: list[Sent] = []
        self.waits: list[float] = []

    @property
    def view(self) -> View:
        return View(note=self.notes.append, sent=self.sent.append, wait=self.waits.append)


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.images.add(replace(image(**{"io.envkit.verdict": to_label(VERDICT)}), layers=3))
    return made


def test_a_push_tells_what_the_registry_has_and_leaves_no_name_behind(engine: FakeEngine) -> None:
    heard = Heard()
    pushed = push(engine, HOST, PushWish(image="lab:dev", to=TO), heard.view)
    here = engine.images.require("lab:dev")
    assert (pushed.reference, pushed.digest, pushed.image) == (TO, made_id("manifest", here.id), here.id)
    assert (pushed.layers, pushed.sent, pushed.tries) == (3, 3, 1)
    assert pushed.sent_bytes == pushed.all_bytes > 0
    assert here.tags == ("lab:dev",) and engine.images.inspect(TO) is None
    assert heard.notes == [f"pushing lab:dev to {TO} through the engine (fake 1.0)"]


def test_what_is_there_is_not_sent_again(engine: FakeEngine) -> None:
    push(engine, HOST, PushWish(image="lab:dev", to=TO), Heard().view)
    again = push(engine, HOST, PushWish(image="lab:dev", to=TO), Heard().view)
    assert (again.sent, again.sent_bytes, again.layers) == (0, 0, 3)


def test_a_name_that_was_another_images_is_given_back(engine: FakeEngine) -> None:
    other = engine.images.add(replace(image(), id=OTHER, tags=(TO,)))
    push(engine, HOST, PushWish(image="lab:dev", to=TO), Heard().view)
    assert engine.images.require(TO).id == other.id


def test_an_image_without_a_name_keeps_the_one_that_it_was_pushed_by(engine: FakeEngine) -> None:
    nameless = engine.images.add(replace(image(), id="sha256:" + "c" * 64, tags=()))
    push(engine, HOST, PushWish(image=nameless.id, to=TO), Heard().view)
    assert engine.images.require(TO).id == nameless.id


def test_the_images_own_name_will_do(engine: FakeEngine) -> None:
    engine.images.tag("lab:dev", TO)
    assert push(engine, HOST, PushWish(image=TO), Heard().view).reference == TO
    assert engine.images.require(TO).tags == ("lab:dev", TO)


def test_a_name_without_a_registry_goes_nowhere(engine: FakeEngine) -> None:
    with pytest.raises(UsageError, match="lab:dev names no registry"):
        push(engine, HOST, PushWish(image="lab:dev"), Heard().view)
    assert engine.images.registry == {}


def test_what_may_help_is_tried_again_with_longer_waits(engine: FakeEngine) -> None:
    engine.images.refusals[:] = [failure(again=True), failure(again=True)]
    heard = Heard()
    assert push(engine, HOST, PushWish(image="lab:dev", to=TO), heard.view).tries == 3
    assert heard.waits == [2.0, 8.0]
    assert heard.notes[1] == "pushing: it is out of order; trying again in 2 s"


def test_it_gives_up_and_says_how_often_it_tried(engine: FakeEngine) -> None:
    engine.images.refusals[:] = [failure(again=True)] * 4
    with pytest.raises(RegistryFailed, match=r"out of order \(4 times\)"):
        push(engine, HOST, PushWish(image="lab:dev", to=TO), Heard().view)
    assert engine.images.require("lab:dev").tags == ("lab:dev",)


def test_what_cannot_help_is_not_tried_again(engine: FakeEngine) -> None:
    engine.images.refusals[:] = [failure(again=False)]
    heard = Heard()
    with pytest.raises(RegistryFailed):
        push(engine, HOST, PushWish(image="lab:dev", to=TO), heard.view)
    assert heard.waits == []


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (None, "the registry has nothing of that name"),
        (Published(digest="sha256:other"), "the registry has sha256:other: somebody else pushed, too"),
        (Published(digest="OURS", config="sha256:other"), "the registry has the image sha256:other"),
    ],
)
def test_no_success_without_the_registrys_word(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, held: Published | None, said: str
) -> None:
    ours = made_id("manifest", engine.images.require("lab:dev").id)
    told = replace(held, digest=ours) if held and held.digest == "OURS" else held
    monkeypatch.setattr(engine.images, "published", lambda reference: told)
    with pytest.raises(RegistryFailed, match=said):
        push(engine, HOST, PushWish(image="lab:dev", to=TO), Heard().view)


def test_a_platform_is_told_what_is_left_to_do(engine: FakeEngine) -> None:
    pushed = push(engine, HOST, PushWish(image="lab:dev", to=TO, platform="ctyun"), Heard().view)
    assert [need.is_met for need in pushed.needs] == [True] * 4
    console = "in the registry's console"
    assert pushed.next_steps[0] == f"{console}, share team/lab with the account huijuprod"


def test_what_a_platform_would_not_take_is_not_sent(engine: FakeEngine) -> None:
    engine.images.add(replace(image(), id="sha256:" + "c" * 64, tags=("bare:dev",)))
    to = "registry.example:5000/lab:1"
    with pytest.raises(EnvkitError) as caught:
        push(engine, HOST, PushWish(image="bare:dev", to=to, platform="ctyun"), Heard().view)
    assert caught.value.what.splitlines() == [
        f"ctyun would not take {to}:",
        "    no: a namespace in its name: lab",
        "    no: JupyterLab and VS Code inside, proven: it carries no verdict that passed",
        "    no: a run as any uid: nothing was tried",
    ]
    assert caught.value.fix == (
        "make a namespace in the registry's console, and push to REGISTRY/NAMESPACE/NAME:TAG; `envkit adopt` "
        "adds the IDEs to an image and proves them, `envkit build` makes one with them"
    )
    assert engine.images.registry == {}


@pytest.mark.parametrize("at", ["tag", "untag"])
def test_a_full_engine_keeps_none_of_the_names_for_a_while(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Docker has done in memory what it says that it could not write."""
    really = getattr(engine.images, at)

    def full(*words: str) -> None:
        really(*words)
        raise EngineError(f"{words[-1]}: the engine's disk is full", fix="free space")

    monkeypatch.setattr(engine.images, at, full)
    with pytest.raises(EngineError, match="the engine's disk is full"):
        push(engine, HOST, PushWish(image="lab:dev", to=TO), Heard().view)
    assert engine.images.require("lab:dev").tags == ("lab:dev",)


OTHER = "sha256:" + "c" * 64


class Killed(BaseException):
    """The push ended where it was."""


@pytest.fixture
def killed(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """What a push left that was killed while the engine sent."""
    kill(engine, monkeypatch)
    return engine


def kill(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Push, and leave the names as they are while the engine sends; who gave them is no more."""
    before = {facts.id: facts.tags for facts in engine.images.list({})}
    names: dict[str, tuple[str, ...]] = {}

    def push_(reference: str, *_: object) -> str:
        names.update({facts.id: facts.tags for facts in engine.images.list({})})
        raise Killed

    monkeypatch.setattr(engine.images, "push", push_)
    with pytest.raises(Killed):
        push(engine, HOST, PushWish(image="lab:dev", to=TO), Heard().view)
    monkeypatch.undo()
    assert {facts.id: facts.tags for facts in engine.images.list({})} == before
    for identity, name in ((identity, name) for identity, given in names.items() for name in given):
        engine.images.tag(identity, name.replace(f".{os.getpid()}.", ".999999999."))


def test_a_push_takes_away_the_name_that_a_killed_one_left(killed: FakeEngine) -> None:
    assert len(killed.images.require("lab:dev").tags) == 3
    push(killed, HOST, PushWish(image="lab:dev", to=TO), Heard().view)
    assert killed.images.require("lab:dev").tags == ("lab:dev",)


def test_gc_takes_it_away_too_and_no_name_of_the_users(killed: FakeEngine) -> None:
    killed.images.tag(killed.images.require("lab:dev").id, "registry.example:5000/team/mine:1")
    place = Place(engine=killed, host=HOST, cache="/nowhere/cache")
    found = leftovers(place, datetime.now(timezone.utc))
    sweep(place, found, lambda line: None)
    assert killed.images.require("lab:dev").tags == ("lab:dev", "registry.example:5000/team/mine:1")


@pytest.fixture
def robbed(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """What such a push left where its name was that of another image."""
    engine.images.add(replace(image(), id=OTHER, tags=(TO,)))
    kill(engine, monkeypatch)
    (mark,) = engine.images.require(OTHER).tags
    assert mark.startswith("envkit-unverified/") and engine.images.require("lab:dev").tags == ("lab:dev", TO)
    return engine


def test_an_image_gets_its_name_back_that_a_killed_push_took(robbed: FakeEngine) -> None:
    push(robbed, HOST, PushWish(image="lab:dev", to=TO), Heard().view)
    assert robbed.images.require(OTHER).tags == (TO,)
    assert robbed.images.require("lab:dev").tags == ("lab:dev",)


def test_gc_gives_it_back_too(robbed: FakeEngine) -> None:
    place = Place(engine=robbed, host=HOST, cache="/nowhere/cache")
    (one,) = leftovers(place, datetime.now(timezone.utc))
    assert (one.kind, one.name) == ("taken name", TO) and "which gets it back" in one.why
    told: list[str] = []
    sweep(place, (one,), told.append)
    assert told == [f"{TO} is given back"]
    assert robbed.images.require(OTHER).tags == (TO,)
    assert robbed.images.require("lab:dev").tags == ("lab:dev",)
    assert leftovers(place, datetime.now(timezone.utc)) == ()


def test_the_last_name_of_an_image_stays_where_nobody_knows_whose_it_was(robbed: FakeEngine) -> None:
    robbed.images.untag(TO)
    place = Place(engine=robbed, host=HOST, cache="/nowhere/cache")
    assert leftovers(place, datetime.now(timezone.utc)) == ()
    assert robbed.images.inspect(OTHER) is not None


def test_a_full_registry_is_told_as_soon_as_it_does_not_take_a_layer(engine: FakeEngine) -> None:
    heard = Heard()
    engine.images.not_taken = (Sent("abc", "again"), Sent("abc", "again"))
    assert push(engine, HOST, PushWish(image="lab:dev", to=TO), heard.view).tries == 1  # it has room
    engine.images.full = RegistryFailed("pushing: its disk is full", fix="ask", kind="full", again=False)
    with pytest.raises(RegistryFailed, match="its disk is full"):
        push(engine, HOST, PushWish(image="lab:dev", to=TO), heard.view)
    assert engine.images.require("lab:dev").tags == ("lab:dev",) and heard.waits == []
