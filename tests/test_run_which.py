"""What a name means: an environment, or a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envkit.errors import UsageError
from envkit.run.folder import End
from envkit.run.listing import Run
from envkit.run.which import all_meant, meant
from tests.run_folders import environment, make, site

FINISHED = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)


def test_a_name_is_what_has_it(tmp_path: Path) -> None:
    make(tmp_path, "a", end=FINISHED)
    there = site(tmp_path, environment("lab", tmp_path))
    run = meant(there, "a")
    assert isinstance(run, Run)
    assert (run.name, meant(there, "lab"), meant(there, None)) == ("a", "lab", None)
    assert all_meant(there, ("lab", "a")) == (("lab",), (run,))


def test_of_two_homes_that_have_a_name_the_one_where_the_user_is_counts(tmp_path: Path) -> None:
    homes = tmp_path / "one", tmp_path / "other"
    for home in homes:
        make(home, "a", end=FINISHED)
    there = site(homes[0], environment("lab", homes[1]))
    with pytest.raises(UsageError) as caught:
        meant(there, "a")
    folders = [f"{home}/task/a" for home in homes]
    assert caught.value.what.startswith("there are 2 runs 'a', in several homes:")
    assert all(folder in caught.value.what for folder in folders)
    run = meant(replace(there, here=f"{homes[1]}/proj"), "a")
    assert isinstance(run, Run) and str(run.folder.path) == folders[1]


def test_a_name_of_both_must_be_told_apart(tmp_path: Path) -> None:
    make(tmp_path, "lab", end=FINISHED)
    there = site(tmp_path, environment("lab", tmp_path))
    with pytest.raises(UsageError) as caught:
        meant(there, "lab")
    assert caught.value.what == "'lab' is an environment and a run"
    assert caught.value.fix == "run/lab is the run, env/lab the environment"
    assert meant(there, "env/lab") == "lab"
    assert isinstance(meant(there, "run/lab"), Run)


def test_a_name_of_neither_is_told_with_those_that_are_near(tmp_path: Path) -> None:
    make(tmp_path, "train-1", end=FINISHED)
    with pytest.raises(UsageError) as caught:
        meant(site(tmp_path, environment("lab", tmp_path)), "tran-1")
    assert caught.value.what == "there is no environment and no run 'tran-1'"
    assert caught.value.fix == "did you mean train-1?"
