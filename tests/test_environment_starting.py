"""Starting what is there as it was made, and waiting for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ExecResult
from envkit.environment import starting
from envkit.environment.ending import stop
from envkit.environment.starting import restart, start, wait_for
from envkit.environment.up import Site, up
from envkit.errors import EngineError, EnvkitError, UsageError
from tests.environments import STATUS, Door, a_request, a_site


@pytest.fixture
def site() -> Site:
    """A place where `lab` runs, with a port and a memory of its own."""
    site, _, host = a_site(Door())
    host.answers = {**host.answers, "id": "uid=1000(ada) gid=100(users) groups=100(users)\n"}
    up(site, a_request(port=20_123, memory_mib=4096), lambda line: None)
    return site


@pytest.fixture
def engine(site: Site) -> FakeEngine:
    assert isinstance(site.engine, FakeEngine)
    return site.engine


def test_what_is_stopped_starts_as_it_was_made(site: Site, engine: FakeEngine) -> None:
    before = engine.containers.require("envkit-lab")
    stop(engine, "lab")
    said: list[str] = []
    opened = start(site, None, 1, said.append)
    after = engine.containers.require("envkit-lab")
    assert (after.id, after.labels, after.state) == (before.id, before.labels, "running")
    assert (opened.name, opened.image, opened.port, opened.token) == ("lab", "lab:dev", 20_123, "t1")
    assert said == ["environment lab starts: waiting for its IDEs"]


def test_starting_what_runs_is_fine(site: Site) -> None:
    said: list[str] = []
    assert start(site, "lab", 1, said.append).name == "lab"
    assert said == []


def test_another_persons_environment_stays_theirs(site: Site, engine: FakeEngine) -> None:
    site.host.answers = {**site.host.answers, "id": "uid=7(eve) gid=7(eve) groups=7(eve)\n"}  # type: ignore[attr-defined]
    stop(engine, "lab")
    start(site, "lab", 1, lambda line: None)
    assert engine.containers.require("envkit-lab").user == "1000:100"


def test_what_is_not_there_is_not_started(site: Site) -> None:
    with pytest.raises(UsageError, match="there is no environment 'lap'"):
        start(site, "lap", 1, lambda line: None)


def test_what_is_removed_meanwhile_is_not_made_anew(
    site: Site, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(engine, "lab")

    def removed(container: str) -> None:
        engine.containers.remove(container)
        engine.containers.require(container)

    monkeypatch.setattr(engine.containers, "start", removed)
    with pytest.raises(EnvkitError, match="environment lab was removed in the meantime"):
        start(site, "lab", 1, lambda line: None)
    assert engine.containers.find({}) == ()


def test_without_its_image_there_is_no_start(site: Site, engine: FakeEngine) -> None:
    facts = engine.containers.require("envkit-lab")
    engine.containers.add(replace(facts, state="exited", image="sha256:" + "b" * 64))
    with pytest.raises(EngineError) as caught:
        start(site, "lab", 1, lambda line: None)
    assert caught.value.what == "the image of environment lab is gone (sha256:bbbbbbbbbbbb)"


def test_a_restart_is_a_stop_and_a_start(site: Site, engine: FakeEngine) -> None:
    said: list[str] = []
    assert restart(site, "lab", 1, said.append).name == "lab"
    assert said == ["environment lab is stopped", "environment lab starts: waiting for its IDEs"]


def test_what_runs_need_not_be_waited_for(site: Site) -> None:
    assert wait_for(site, "lab", "running", 0).state == "running"


def test_what_ends_meanwhile_is_waited_for(
    site: Site, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting.time, "sleep", lambda seconds: stop(engine, "lab"))
    assert wait_for(site, "lab", "stopped", 60).state == "stopped"


def test_what_was_removed_is_not_waited_for(
    site: Site, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting.time, "sleep", lambda seconds: engine.containers.remove("envkit-lab"))
    with pytest.raises(EnvkitError, match="environment lab was removed while it was waited for"):
        wait_for(site, "lab", "stopped", 60)


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("FATAL", "environment lab is unhealthy: jupyterlab is FATAL"),
        ("STARTING", "lab is not running after"),
    ],
)
def test_what_will_not_run_is_not_waited_for(site: Site, engine: FakeEngine, state: str, what: str) -> None:
    answer = f'{{"ready": false, "services": {{"jupyterlab": {{"state": "{state}", "answers": false}}}}}}'
    engine.inside.scripts[STATUS] = ExecResult(code=1, stdout=answer.encode(), stderr=b"")
    with pytest.raises(EnvkitError, match=what):
        wait_for(site, "lab", "running", 0)


def test_what_is_stopped_does_not_come_to_run(site: Site, engine: FakeEngine) -> None:
    stop(engine, "lab")
    with pytest.raises(EnvkitError, match="environment lab is stopped"):
        wait_for(site, "lab", "running", 60)
