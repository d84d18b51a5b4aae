"""Waiting for a run's end, and removing it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envkit.environment.up import Site
from envkit.errors import EnvkitError
from envkit.hosts.local import LocalHost
from envkit.run.ending import loss, remove, stop_and_wait, wait
from envkit.run.folder import End
from envkit.run.listing import find
from tests.run_folders import container, make, site

FINISHED = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)
said: list[str] = []


def here(home: Path) -> Site:
    """Return the same place, whose machine runs programs."""
    return replace(site(home), host=LocalHost())


def test_one_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    make(tmp_path, "a", end=FINISHED)
    there = site(tmp_path)
    assert wait(there, find(there, "a"), "stopped", 60, said.append).state == "finished"
    assert stop_and_wait(there, find(there, "a"), said.append, now=False).state == "finished"


def test_one_that_runs_is_waited_for_so_long_and_no_longer(tmp_path: Path) -> None:
    make(tmp_path, "a")
    there = site(tmp_path, container("a", tmp_path))
    run = find(there, "a")
    assert wait(there, run, "running", 60, said.append).state == "running"
    with pytest.raises(EnvkitError) as caught:
        wait(there, run, "stopped", 0, said.append)
    assert caught.value.what == "run a is still running after 0 s"


def test_one_that_runs_is_not_removed(tmp_path: Path) -> None:
    make(tmp_path, "a")
    there = site(tmp_path, container("a", tmp_path))
    with pytest.raises(EnvkitError) as caught:
        loss(there, find(there, "a"))
    assert (caught.value.what, caught.value.fix) == ("run a is running", "`envkit stop a` first")


@pytest.mark.real
def test_what_would_be_lost_is_told_by_its_size(tmp_path: Path) -> None:
    folder = make(tmp_path, "a", end=FINISHED)
    (Path(folder.model) / "weights").write_bytes(b"x" * 1_000_000)
    lost = loss(here(tmp_path), find(here(tmp_path), "a"))
    assert 1_000_000 <= lost.model_bytes < 1_100_000
    assert 0 < lost.log_bytes < 100_000
    assert 0 <= lost.other_bytes < 100_000


@pytest.mark.real
def test_removing_follows_no_link_out_of_the_folder(tmp_path: Path) -> None:
    kept = tmp_path / "data"
    kept.mkdir()
    (kept / "precious").write_text("1")
    folder = make(tmp_path / "home", "a", end=FINISHED)
    (Path(folder.path) / "link").symlink_to(kept)
    (Path(folder.model) / "-rf").symlink_to(kept)
    there = here(tmp_path / "home")
    remove(there, loss(there, find(there, "a")))
    assert not Path(folder.path).exists()
    assert (kept / "precious").read_text() == "1"


@pytest.mark.real
def test_one_that_was_half_removed_is_still_there_to_be_removed(tmp_path: Path) -> None:
    folder = make(tmp_path, "a", end=FINISHED)
    there = here(tmp_path)
    lost = loss(there, find(there, "a"))
    for part in Path(folder.path).iterdir():
        if part.name != "run.json":
            part.rename(tmp_path / part.name)
    assert find(there, "a").state == "finished"
    remove(there, lost)
    assert not Path(folder.path).exists()
