"""What nothing owns is found and removed; what somebody is at, or what is not ours, stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from envkit.container import maker as makers
from envkit.container.maker import Maker, this_process, word
from envkit.engines.fake import FakeEngine
from envkit.engines.values import OWNED_CONTAINER, SAVE, ContainerFacts, LayerFacts
from envkit.environment.garbage import Leftover, Place, leftovers, sweep
from envkit.hosts.base import Host
from envkit.hosts.local import LocalHost
from tests.environments import TalkingHost, image

NOW = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
ALIVE = this_process()
GONE = replace(ALIVE, pid=2**22 + 1, user="ada", machine="box", since="2026-01-01T11:00:00Z")
ELSEWHERE = replace(GONE, place="elsewhere")
OURS = (LayerFacts(created_by="COPY manifest.json verdict.json /opt/envkit/ # buildkit", size_bytes=1),)
THEIRS = (*OURS, LayerFacts(created_by="RUN /bin/sh -c pip install x", size_bytes=1))
WHO = "ada@box (pid 4194305, since 2026-01-01 11:00:00Z)"


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep out what other processes of this machine may have left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def at(engine: FakeEngine, host: Host | None = None, cache: str = "/data/cache") -> Place:
    return Place(engine=engine, host=host or TalkingHost(), cache=cache)


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.images.add(image())
    engine.images.tag(image().id, "lab:dev")
    return engine


def add(
    engine: FakeEngine, kind: str, maker: Maker | None, state: str, *, age: timedelta = timedelta()
) -> ContainerFacts:
    """Put a container in that carries the label of ours, of that kind."""
    labels = {OWNED_CONTAINER: "true", "io.envkit.kind": kind, "io.envkit.environment": "lab"}
    facts = ContainerFacts(
        id="c" * 64, name="kind_bohr", image=image().id, state=state, exit_code=None,  # type: ignore[arg-type]
        labels={**labels, **(makers.labels(maker) if maker else {})}, ports={}, mounts=(),
        created=(NOW - age).strftime("%Y-%m-%dT%H:%M:%S.123456789Z"), user="",
    )  # fmt: skip
    engine.containers.add(facts)
    return facts


@pytest.mark.parametrize("state", ["created", "running", "exited"])
def test_a_temporary_container_of_a_process_that_is_gone_goes(engine: FakeEngine, state: str) -> None:
    facts = add(engine, "temporary", GONE, state)
    found = leftovers(at(engine), NOW)
    why = f"made by {WHO}, who has ended"
    assert found == (Leftover(kind="temporary", name="kind_bohr", id=facts.id, why=why),)
    said: list[str] = []
    assert sweep(at(engine), found, said.append).removed == found
    assert said == ["kind_bohr is removed"]
    assert engine.containers.find({}) == ()


def test_what_a_living_process_made_stays_however_old(engine: FakeEngine) -> None:
    add(engine, "temporary", ALIVE, "running", age=timedelta(days=30))
    assert leftovers(at(engine), NOW) == ()


@pytest.mark.parametrize("maker", [ELSEWHERE, None])
def test_of_a_maker_that_cannot_be_asked_age_decides(engine: FakeEngine, maker: Maker | None) -> None:
    add(engine, "temporary", maker, "running", age=timedelta(minutes=59))
    assert leftovers(at(engine), NOW) == ()
    add(engine, "temporary", maker, "running", age=timedelta(hours=2))
    [one] = leftovers(at(engine), NOW)
    who = f"by {WHO}, on a machine that cannot be asked, " if maker else ""
    assert one.why == f"made {who}2 h ago"


def test_a_half_made_environment_goes_and_a_started_one_never(engine: FakeEngine) -> None:
    add(engine, "environment", GONE, "created")
    assert [(one.kind, one.name) for one in leftovers(at(engine), NOW)] == [("half-made", "lab")]
    for state in ("running", "exited", "paused", "dead"):
        add(engine, "environment", GONE, state, age=timedelta(days=300))
        assert leftovers(at(engine), NOW) == ()


def test_a_run_that_was_never_started_goes_too(engine: FakeEngine) -> None:
    add(engine, "run", GONE, "created")
    assert [one.kind for one in leftovers(at(engine), NOW)] == ["half-made"]
    add(engine, "run", GONE, "exited", age=timedelta(days=300))
    assert leftovers(at(engine), NOW) == ()


def test_one_that_was_started_meanwhile_stays_and_the_others_go(engine: FakeEngine) -> None:
    add(engine, "environment", GONE, "created")
    other = replace(engine.containers.require("c" * 64), id="d" * 64, name="other")
    engine.containers.add(other)
    found = leftovers(at(engine), NOW)
    engine.containers.set_state("c" * 64, "running")
    swept = sweep(at(engine), found, lambda line: None)
    assert [one.id for one in swept.removed] == ["d" * 64]
    assert [one.id for one, _ in swept.kept] == ["c" * 64]


def test_containers_that_are_not_ours_stay_whatever_they_look_like(engine: FakeEngine) -> None:
    facts = add(engine, "temporary", GONE, "exited", age=timedelta(days=300))
    engine.containers.add(
        replace(facts, labels={k: v for k, v in facts.labels.items() if k != OWNED_CONTAINER})
    )
    assert leftovers(at(engine), NOW) == ()


def test_an_image_without_a_name_goes_unless_it_is_used_young_or_derived(engine: FakeEngine) -> None:
    old = replace(
        image(), tags=(), id="sha256:" + "b" * 64, created="2026-01-01T10:00:00.5+00:00", size_bytes=7
    )
    engine.images.add(old, OURS)
    [one] = leftovers(at(engine), NOW)
    assert (one.kind, one.name, one.size_bytes) == ("image", "b" * 12, 7)
    engine.images.add(replace(old, created="2026-01-01T11:30:00Z"), OURS)
    assert leftovers(at(engine), NOW) == ()
    engine.images.add(old, THEIRS)
    assert leftovers(at(engine), NOW) == ()
    engine.images.add(old, OURS)
    used = add(engine, "environment", None, "exited")
    engine.containers.add(replace(used, image=old.id))
    assert leftovers(at(engine), NOW) == ()


def test_the_image_of_a_container_that_goes_goes_after_it(engine: FakeEngine) -> None:
    old = replace(image(), tags=(), id="sha256:" + "b" * 64, created="2026-01-01T10:00:00Z")
    engine.images.add(old, OURS)
    engine.containers.add(replace(add(engine, "temporary", GONE, "running"), image=old.id))
    found = leftovers(at(engine), NOW)
    assert [one.kind for one in found] == ["temporary", "image"]
    assert sweep(at(engine), found, lambda line: None).kept == ()
    assert engine.images.inspect(old.id) is None


def test_the_name_of_a_killed_build_goes_and_that_of_a_living_one_stays(engine: FakeEngine) -> None:
    killed, living = (f"envkit-unverified/lab:0123-{word(maker)}" for maker in (GONE, ALIVE))
    engine.images.tag(image().id, killed)
    engine.images.tag(image().id, living)
    [one] = leftovers(at(engine), NOW)
    assert (one.kind, one.name) == ("build's name", killed)
    sweep(at(engine), (one,), lambda line: None)
    found = engine.images.inspect("lab:dev")
    assert found is not None and killed not in found.tags and living in found.tags


def test_the_folder_of_a_killed_build_goes(engine: FakeEngine, tmp_path: Path) -> None:
    folder = tmp_path / "envkit-tmp-build-x"
    folder.mkdir()
    (folder / ".lock").touch()
    (folder / "net").write_text("a secret")
    found = leftovers(at(engine), NOW)
    why = "its process was killed"
    assert found == (Leftover(kind="folder", name=str(folder), id=str(folder), why=why),)
    assert sweep(at(engine), found, lambda line: None).removed == found
    assert not folder.exists()


@pytest.mark.real
def test_an_own_cache_whose_environment_is_gone_goes(engine: FakeEngine, tmp_path: Path) -> None:
    add(engine, "environment", ALIVE, "exited")
    caches = tmp_path / "cache-of"
    for name in ("lab", "gone", "not-a-cache"):
        (caches / name / "models").mkdir(parents=True)
        if name != "not-a-cache":
            (caches / name / ".envkit-cache").touch()
    place = at(engine, LocalHost(), str(tmp_path / "cache"))
    found = leftovers(place, NOW)
    assert [(one.kind, Path(one.name).name) for one in found] == [("cache", "gone"), ("cache", "not-a-cache")]
    swept = sweep(place, found, lambda line: None)
    assert [Path(one.name).name for one in swept.removed] == ["gone"]
    [(_, why)] = swept.kept
    assert "not-a-cache was not made by envkit as a cache" in why
    assert sorted(path.name for path in caches.iterdir()) == ["lab", "not-a-cache"]


def test_what_a_dead_save_left_goes_and_its_pause_ends(engine: FakeEngine) -> None:
    environment = replace(add(engine, "environment", GONE, "paused"), id="d" * 64, name="envkit-lab")
    engine.containers.add(environment)
    lease = add(engine, "save", GONE, "created")
    engine.containers.add(replace(lease, labels={**lease.labels, "io.envkit.save-of": environment.id}))
    found = leftovers(at(engine), NOW)
    assert [(one.kind, one.id) for one in found] == [("save", lease.id)]
    assert sweep(at(engine), found, lambda line: None).removed == found
    assert engine.containers.require(environment.id).state == "running"


@pytest.mark.parametrize(("maker", "left"), [(GONE, 1), (ALIVE, 0)])
def test_the_step_in_between_of_a_save_goes_when_its_maker_is_gone(
    engine: FakeEngine, maker: Maker, left: int
) -> None:
    labels = {"io.envkit.owned": "true", SAVE: "1", **makers.labels(maker)}
    engine.images.add(replace(image(), id="sha256:" + "c" * 64, tags=(), labels=labels))
    found = leftovers(at(engine), NOW)
    assert [one.kind for one in found] == ["image"] * left
    assert all(one.why == f"a save that was not finished, made by {WHO}, who has ended" for one in found)
