"""The door of TensorBoard: all runs, and chosen ones."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

with warnings.catch_warnings():  # of what TensorBoard carries with it
    warnings.simplefilter("ignore", DeprecationWarning)
    from envkit.probes.tensorboard_door import Choices


def application(words: str) -> Any:
    """Answer with words, and where it was asked."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        said = f"{words}|{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}"
        return Response(said)(environ, start_response)

    return answer


@pytest.fixture
def door(tmp_path: Path) -> Client:
    def listing(logdir: Path) -> Any:
        return application(" ".join(f"{one.name}={one.readlink()}" for one in sorted(logdir.iterdir())))

    return Client(Choices(application("all"), Path("/work/home/task"), tmp_path, listing))


def test_without_a_choice_all_runs_are_shown(door: Client) -> None:
    assert door.get("/data/runs").text == "all||/data/runs"


def test_chosen_runs_are_shown_below_their_names_alone(door: Client) -> None:
    assert door.get("/only/b,a.1/data/runs").text == (
        "a.1=/work/home/task/a.1 b=/work/home/task/b|/only/b,a.1|/data/runs"
    )


def test_a_choice_is_made_once(door: Client, tmp_path: Path) -> None:
    for path in ("/only/a,b/", "/only/b,a/", "/only/a,b,b/x"):
        assert door.get(path).status_code == 200
    assert len(list(tmp_path.glob("runs-*"))) == 1


def test_a_choice_without_its_slash_is_sent_there(door: Client) -> None:
    done = door.get("/only/a,b")
    assert (done.status_code, done.headers["Location"]) == (301, "a,b/")


@pytest.mark.parametrize("path", ["/only/../x", "/only/./", "/only/a,../", "/only/a b/", "/only//"])
def test_what_is_no_name_of_a_run_is_no_choice(door: Client, path: str) -> None:
    assert door.get(path).text.startswith("all|")


def test_too_many_choices_are_refused_with_a_sentence(door: Client) -> None:
    answers = [door.get(f"/only/run-{number}/").status_code for number in range(40)]
    assert answers == [200] * 32 + [503] * 8
    assert door.get("/only/run-0/").status_code == 200
