"""TensorBoard for runs: which environment serves it, and what is started where there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.environment.lookup import everything, name_of
from envkit.environment.up import Site, up
from envkit.errors import UsageError
from envkit.hosts.base import Command, Completed
from envkit.run.folder import End
from envkit.run.tensorboard import open_board
from tests.environments import Door, TalkingHost, a_request, a_site, image
from tests.run_folders import FolderHost, make

FINISHED = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)
said: list[str] = []


@dataclass
class Machine(TalkingHost):
    """A machine that answers by script, and whose folders of runs are this one's."""

    def run(self, command: Command) -> Completed:
        if command.words[0] == "sh" and "run.json" in " ".join(command.words):
            return FolderHost().run(command)
        return super().run(command)


@pytest.fixture
def place(tmp_path: Path) -> tuple[Site, FakeEngine]:
    site, engine, host = a_site(Door())
    machine = Machine({**host.answers, "id": "uid=1000(ada) gid=100(users) groups=100(users)\n"})
    said.clear()
    return replace(site, host=machine, home=str(tmp_path)), engine


def names(engine: FakeEngine) -> list[str]:
    return [name_of(facts) for facts in everything(engine)]


def test_an_environment_with_the_same_home_serves_it(place: tuple[Site, FakeEngine], tmp_path: Path) -> None:
    site, engine = place
    up(site, a_request(home="/data/other", name="far"), said.append)
    up(site, a_request(home=str(tmp_path), name="near"), said.append)
    found = open_board(site, (), None, 1, said.append)
    assert (found.name, found.url(1)) == (
        "near",
        "http://127.0.0.1:1/env/near/login?next=%2Fenv%2Fnear%2Ftensorboard%2F&token=t1",
    )
    assert names(engine) == ["far", "near"]


def test_where_there_is_none_a_small_one_is_started_once(place: tuple[Site, FakeEngine]) -> None:
    site, engine = place
    assert open_board(site, (), None, 1, said.append).name == "tensorboard"
    assert said[0] == (
        "no environment with this home runs: starting tensorboard (lab:dev); "
        "`envkit stop tensorboard` ends it"
    )
    engine.containers.stop("envkit-tensorboard", 0)
    assert open_board(site, (), None, 1, said.append).name == "tensorboard"
    assert open_board(site, (), "/data/other", 1, said.append).name == "tensorboard-584473"
    assert len(names(engine)) == 2


def test_chosen_runs_have_an_address_of_their_own(place: tuple[Site, FakeEngine], tmp_path: Path) -> None:
    site, _ = place
    for name in ("b", "a", "c"):
        make(tmp_path, name, end=FINISHED)
    found = open_board(site, ("b", "a", "run/a"), None, 1, said.append)
    assert found.runs == ("a", "b")
    assert found.url(1) == (
        "http://127.0.0.1:1/env/tensorboard/login"
        "?next=%2Fenv%2Ftensorboard%2Ftensorboard%2Fonly%2Fa%2Cb%2F&token=t1"
    )


def test_runs_of_several_homes_are_not_shown_together(place: tuple[Site, FakeEngine], tmp_path: Path) -> None:
    site, _ = place
    make(tmp_path / "ada", "a", end=FINISHED)
    make(tmp_path / "grace", "b", end=FINISHED)
    both = tuple(f"{tmp_path}/{one}" for one in ("ada/task/a", "grace/task/b"))
    with pytest.raises(UsageError, match="these runs are in several homes"):
        open_board(site, both, None, 1, said.append)


def test_without_an_image_that_has_it_nothing_is_started(place: tuple[Site, FakeEngine]) -> None:
    site, _ = place
    bare = FakeEngine()
    bare.images.add(replace(image(), labels={**image().labels, "io.envkit.expect": '{"services": []}'}))
    with pytest.raises(UsageError, match="no image here has TensorBoard"):
        open_board(replace(site, engine=bare), (), None, 1, said.append)


def test_an_environment_of_an_older_envkit_is_told(place: tuple[Site, FakeEngine], tmp_path: Path) -> None:
    site, _ = place
    make(tmp_path, "a", end=FINISHED)
    door = Door()

    def older(port: int, path: str, token: str | None, tls: object = None) -> int | None:
        return 404 if "/only/" in path else door(port, path, token)

    with pytest.raises(UsageError, match="its TensorBoard shows all runs or none"):
        open_board(replace(site, ask=older), ("a",), None, 1, said.append)
