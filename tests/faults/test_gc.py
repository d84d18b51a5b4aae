"""`envkit gc` on the real engine: what nothing owns goes, and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import docker
import pytest
from docker.models.containers import Container

from envkit.container.temporary import running
from envkit.engines.docker import connect
from envkit.engines.values import RunRequest
from envkit.environment.garbage import Place, leftovers, sweep
from envkit.hosts.local import LocalHost
from tests.faults import table as at
from tests.faults.conftest import Envkit, Kill, Named, Seen, Start
from tests.faults.proxy import Rule
from tests.real.up.conftest import IMAGE

pytestmark = pytest.mark.real


def ours(engine: docker.DockerClient) -> list[Container]:
    return list(engine.containers.list(all=True, filters={"label": "io.envkit.container"}))


@pytest.fixture(autouse=True)
def nothing_left(engine: docker.DockerClient) -> Iterator[None]:
    """Begin and end without containers of ours."""
    assert ours(engine) == []
    yield
    for one in ours(engine):
        one.remove(force=True)


@pytest.fixture
def killed(kill: Kill, name: str) -> None:
    """A verification and an `up` that were killed: one container runs, one is half-made."""
    method, path = at.EXEC
    kill(Rule(do="block-before", method=method, path=path), "verify", IMAGE)
    method, path = at.START
    kill(Rule(do="block-before", method=method, path=path), "up", IMAGE, "--name", name)


@pytest.mark.usefixtures("killed")
def test_it_shows_without_changing_and_then_removes(
    envkit: Envkit, engine: docker.DockerClient, name: str, foreign: Seen
) -> None:
    before = foreign()
    shown = envkit("gc", "--dry-run")
    assert sorted(line.split()[0] for line in shown.stdout.splitlines()) == ["WHAT", "half-made", "temporary"]
    assert name in shown.stdout and shown.stdout.count("who has ended") == 2
    refused = envkit("gc")
    assert (refused.code, len(ours(engine))) == (2, 2)
    assert "fix: envkit gc --yes, or --dry-run to look only" in refused.stderr
    told = json.loads(envkit("gc", "--yes", "--json").stdout)
    assert sorted(one["kind"] for one in told["removed"]) == ["half-made", "temporary"]
    assert (told["kept"], ours(engine)) == ([], [])
    assert envkit("gc").stderr == "nothing is left over\n"
    assert foreign() == before


@pytest.mark.usefixtures("killed")
def test_two_at_once_both_end_well(start: Start, engine: docker.DockerClient) -> None:
    both = [start("gc", "--yes") for _ in range(2)]
    ended = [process.wait() for process in both]
    assert [code for code, _ in ended] == [0, 0], ended
    assert ours(engine) == []


def test_what_a_living_process_is_at_stays(envkit: Envkit, engine: docker.DockerClient) -> None:
    with running(connect(LocalHost()), RunRequest(image=IMAGE, entrypoint=("sleep",), command=("60",))):
        assert envkit("gc", "--yes").stderr == "nothing is left over\n"
        assert len(ours(engine)) == 1


def test_a_started_environment_stays_running_and_stopped(
    envkit: Envkit, containers: Named, name: str
) -> None:
    envkit("up", IMAGE, "--name", name)
    assert envkit("gc", "--yes").stderr == "nothing is left over\n"
    envkit("stop", name)
    assert envkit("gc", "--yes").stderr == "nothing is left over\n"
    assert containers()[0].status == "exited"


@pytest.mark.usefixtures("envkit")
def test_a_nameless_image_of_ours_goes_when_it_is_old_and_a_users_stays(engine: docker.DockerClient) -> None:
    def build(last: str) -> str:
        text = f"FROM {IMAGE}\n{last}\n"
        return str(engine.images.build(fileobj=io.BytesIO(text.encode()), rm=True)[0].id)

    own = build('LABEL io.envkit.owned="true" io.envkit.test=faults')
    users = build("ENV MINE=1")
    used = build('LABEL io.envkit.owned="true" io.envkit.test=used')
    user = engine.containers.create(used, labels={"io.envkit.test": "faults"})
    place = Place(engine=connect(LocalHost()), host=LocalHost(), cache="/nowhere/cache")
    now = datetime.now(timezone.utc)
    assert leftovers(place, now) == ()
    found = leftovers(place, now + timedelta(hours=2))
    assert [one.id for one in found] == [own]
    sweep(place, found, lambda line: None)
    there = {image.id for image in engine.images.list(all=True)}
    assert {users, used} <= there and own not in there
    user.remove()
    for image in (users, used):
        engine.images.remove(image)
