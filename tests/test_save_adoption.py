"""What the word that `envkit adopt` gets can mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.engines.values import OWNED_CONTAINER, Change, ContainerFacts, Mount, RunRequest
from envkit.errors import UsageError
from envkit.image.adopt import Place
from envkit.image.proving import Reports
from envkit.save.adoption import plan_adoption
from envkit.save.plan import CommitRefused
from envkit.save.taken import Lower, loaded, write
from tests.adoptions import IMAGE, Image, Searcher


def foreign(image: str, **labels: str) -> ContainerFacts:
    return ContainerFacts(
        id="c" * 64, name="web", image=image, state="running", exit_code=None, labels=labels, ports={},
        mounts=(Mount(source="/srv", target="/data"),), created="", user="app",
    )  # fmt: skip


def place(engine: FakeEngine, heard: list[str]) -> Place:
    reports = Reports(note=heard.append, event=lambda event: None, item=lambda item: None)
    return Place(engine=engine, host=Searcher(), reports=reports)


def test_of_a_container_a_copy_is_looked_into_and_removed() -> None:
    engine, heard = Image().engine(), []  # type: ignore[var-annotated]
    image = engine.images.require(IMAGE)
    engine.containers.add(foreign(image.id))
    plan = plan_adoption("web", None, place(engine, heard)).plan
    assert plan.tag == "web-ide:dev" and plan.base.reference.startswith("envkit-unverified/web:")
    assert plan.kept is not None and (plan.kept.container, plan.kept.reference) == ("web", IMAGE)
    assert heard == [
        "copying the container web; it is paused meanwhile",
        "not in the copy: what lies in /data, which is mounted",
        "searching the copy's bytes for secrets: it has no Python that could do it",
        "looking into web",
    ]
    assert [facts.id for facts in engine.images.list({})] == [image.id]
    assert len(engine.containers.find({})) == 1


def test_secrets_that_were_written_in_a_container_are_refused_by_name() -> None:
    engine = Image().engine()
    image = engine.images.require(IMAGE)
    web = engine.containers.create(RunRequest(image=IMAGE, name="web", env={"DB_PASSWORD": "hunter2-x-y"}))
    engine.containers.add(replace(engine.containers.require(web), labels={}))
    engine.images.committed = lambda _: ({}, image.id, (Change("/opt/hunter2-x-y", "added"),))
    with pytest.raises(CommitRefused) as caught:
        plan_adoption(web, None, place(engine, []))
    assert caught.value.what == (
        "the image would hold 1 secret of the container's:\n    /mark:1: the value of DB_PASSWORD"
    )
    assert [facts.id for facts in engine.images.list({})] == [image.id]


def test_of_an_image_nothing_stays_that_a_build_would_run_or_throw_away(tmp_path: Path) -> None:
    engine, heard = Image().engine(), []  # type: ignore[var-annotated]
    plain = Lower(image=engine.images.require(IMAGE), history=engine.images.history(IMAGE), name="x")
    config = {**engine.images.config(IMAGE), "OnBuild": ["RUN x"], "Volumes": {"/data": {}}}
    archive = write(engine, {**config, "Healthcheck": {"Test": ["CMD", "x"]}}, plain, tmp_path)
    with loaded(engine, archive) as made:
        engine.images.tag(made.id, IMAGE)
    before = engine.images.list({})
    plan = plan_adoption(IMAGE, None, place(engine, heard)).plan
    assert plan.tag == "train-ide:1.0" and plan.kept is not None and plan.kept.reference == IMAGE
    assert plan.base.reference.startswith("envkit-unverified/team-train-1-0:")
    assert heard == [
        "not run, and not kept: ONBUILD RUN x",
        "no longer a volume: /data; what is written there stays in its container",
        "its HEALTHCHECK gives way to envkit's, which tells whether the IDEs work",
        f"looking into {IMAGE}",
    ]
    assert engine.images.list({}) == before


def test_an_environment_is_sent_to_commit() -> None:
    engine = Image().engine()
    labels = {OWNED_CONTAINER: "true", "io.envkit.name": "lab"}
    engine.containers.add(foreign(engine.images.require(IMAGE).id, **labels))
    with pytest.raises(UsageError, match="it has the IDEs") as caught:
        plan_adoption("web", None, place(engine, []))
    assert "`envkit commit lab IMAGE:TAG`" in caught.value.fix


def test_a_container_of_envkit_s_image_has_the_ides_too() -> None:
    engine = FakeEngine()
    image = engine.images.add(replace(EMPTY, tags=("cpu:dev",), labels={"io.envkit.expect": "{}"}))
    engine.containers.add(foreign(image.id))
    with pytest.raises(UsageError, match="the image of web is envkit's already"):
        plan_adoption("web", None, place(engine, []))


def test_a_word_that_means_two_things_is_refused() -> None:
    engine = FakeEngine()
    image = engine.images.add(replace(EMPTY, tags=("web:latest",)))
    engine.containers.add(foreign(image.id))
    with pytest.raises(UsageError, match="the name of an image and of a container"):
        plan_adoption("web", None, place(engine, []))
