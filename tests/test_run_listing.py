"""The runs of a machine, from its folders and its engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.late import LateEngine
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult
from envkit.errors import EngineError, UsageError
from envkit.run.folder import End, Stop
from envkit.run.listing import ALIVE, Run, find, runs
from tests.run_folders import SUPERVISOR, FolderHost, container, environment, make, site

FINISHED = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)
IN_LAB = {"record": {"environment": "lab", "image": "cpu:dev"}}


def shown(found: tuple[Run, ...]) -> list[tuple[str, str, str]]:
    return [(run.name, run.state, run.sentence) for run in found]


def test_a_run_that_ended_is_told_by_its_folder(tmp_path: Path) -> None:
    make(tmp_path, "a", end=FINISHED)
    (run,) = runs(site(tmp_path))
    assert shown((run,)) == [("a", "finished", "it finished")]
    assert (run.took_s, run.started, run.home, run.container) == (7.5, 1000.0, str(tmp_path), None)


def test_a_run_that_goes_on_is_told_by_its_container(tmp_path: Path) -> None:
    make(tmp_path, "a")
    (run,) = runs(site(tmp_path, container("a", tmp_path)))
    assert (run.state, run.took_s, run.is_over) == ("running", 1000.0, False)
    assert run.container is not None


def test_a_run_whose_container_is_gone_is_lost(tmp_path: Path) -> None:
    make(tmp_path, "a")
    assert shown(runs(site(tmp_path))) == [("a", "lost", "its container was removed while it ran")]


def test_a_container_without_a_folder_is_a_run_too(tmp_path: Path) -> None:
    (run,) = runs(site(tmp_path, container("a", tmp_path, state="created")))
    assert (run.name, run.state) == ("a", "starting")
    assert run.beside == f"there is no run.json in {tmp_path}/task/a"


def test_the_homes_of_containers_are_looked_at_too_and_one_alone_when_it_is_named(tmp_path: Path) -> None:
    ada, grace, lin = tmp_path / "ada", tmp_path / "grace", tmp_path / "lin"
    for home in (ada, grace, lin):
        make(home, "a", end=FINISHED)
    there = site(ada, container("b", grace, id="b"), environment("lab", lin, id="lab"))
    assert {run.home for run in runs(there) if run.name == "a"} == {str(ada), str(grace), str(lin)}
    assert [(run.name, run.home) for run in runs(there, str(lin))] == [("a", str(lin))]


def test_an_engine_that_does_not_answer_hides_no_run(tmp_path: Path) -> None:
    make(tmp_path, "a", end=FINISHED)
    make(tmp_path, "b")

    def nobody() -> NoReturn:
        raise EngineError("nobody listens", fix="start it")

    found = runs(replace(site(tmp_path), engine=LateEngine(nobody)))
    assert [(run.name, run.state) for run in found] == [("a", "finished"), ("b", "running")]
    assert found[1].beside == "as its folder says; the engine does not answer: nobody listens"


def test_a_run_in_an_environment_lives_as_long_as_its_supervisor(tmp_path: Path) -> None:
    make(tmp_path, "a", **IN_LAB)
    there = site(tmp_path, environment("lab", tmp_path))
    assert isinstance(there.engine, FakeEngine)
    mark = f"{SUPERVISOR.pid}:{SUPERVISOR.started_ticks}"
    alive = mark.encode()

    def answer(facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        return ExecResult(code=0, stdout=alive, stderr=b"")

    there.engine.inside.scripts["sh", "-c", ALIVE, "sh", mark] = answer
    assert [run.state for run in runs(there)] == ["running"]
    alive = b""
    assert [run.state for run in runs(there)] == ["killed"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "exited"}, "its environment ended while it ran"),
        ({"id": "ffff"}, "its environment was restarted or made anew while it ran"),
        ({"started": "1970-01-01T01:00:00Z"}, "its environment was restarted or made anew while it ran"),
    ],
)
def test_a_run_is_lost_with_its_environment(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    make(tmp_path, "a", **IN_LAB)
    there = site(tmp_path, environment("lab", tmp_path, **changes))
    assert shown(runs(there)) == [("a", "lost", said)]


def test_one_that_was_asked_to_stop_is_stopping(tmp_path: Path) -> None:
    make(tmp_path, "a", stop=Stop(by="user", time=1.0))
    assert [run.state for run in runs(site(tmp_path, container("a", tmp_path)))] == ["stopping"]


def test_a_machine_that_was_restarted_lost_it(tmp_path: Path) -> None:
    make(tmp_path, "a")
    stopped = container("a", tmp_path, state="exited", exit_code=137)
    there = replace(site(tmp_path, stopped), host=FolderHost(boot_id="another"))
    assert [run.sentence for run in runs(there)] == ["the machine was restarted while it ran"]


def test_one_is_found_by_its_name_or_its_folder(tmp_path: Path) -> None:
    make(tmp_path / "home", "a", end=FINISHED)
    there = site(tmp_path / "home")
    assert find(there, "a") == find(there, "run/a") == find(site(tmp_path), f"{tmp_path}/home/task/a")


def test_an_unknown_name_is_told_with_those_that_are_near(tmp_path: Path) -> None:
    make(tmp_path, "train-1", end=FINISHED)
    with pytest.raises(UsageError) as caught:
        find(site(tmp_path), "train-2")
    assert (caught.value.what, caught.value.fix) == ("there is no run 'train-2'", "did you mean train-1?")
    with pytest.raises(UsageError, match="there is no run 'w'") as caught:
        find(site(tmp_path), "w")
    assert caught.value.fix.endswith("lists them. One of another --home is named by its folder: HOME/task/w")


def test_a_name_in_two_homes_is_asked_for_by_its_folder(tmp_path: Path) -> None:
    make(tmp_path / "ada", "a", end=FINISHED)
    make(tmp_path / "grace", "a", end=FINISHED)
    with pytest.raises(UsageError) as caught:
        find(site(tmp_path / "ada", container("b", tmp_path / "grace")), "a")
    assert caught.value.fix == (
        f"in its home the name is enough; elsewhere give its folder: {tmp_path}/ada/task/a"
    )
