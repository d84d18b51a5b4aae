"""Two runs, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from envkit.hosts.local import LocalHost
from envkit.run import from_json
from envkit.run.compare import Change, Result, compare, parameters, scalars
from envkit.run.events import Scalar
from envkit.run.folder import End, Git, Request, RunFolder
from tests.run_folders import make, site

FINISHED = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)
FAILED = End(state="failed", cause="script-error", sentence="ValueError: bad", started=1000.0, ended=1002.0)


def asked(folder: RunFolder, *args: str, **env: str) -> None:
    request = Request(
        name=folder.name, folder=str(folder.path), kind="script", target="/work/home/train.py",
        directory="/work/home", args=args, env={"MODEL_PATH": folder.name, **env},
    )  # fmt: skip
    Path(folder.attempt(1).request).write_text(from_json.text(request), "utf-8")


def write(folder: Path, values: Sequence[tuple[str, int, float]], begin: float = 100.0) -> None:
    """Write scalars as a script does."""
    writer = EventFileWriter(str(folder))
    for number, (tag, step, value) in enumerate(values):
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        writer.add_event(Event(wall_time=begin + number, step=step, summary=summary))
    writer.close()


def test_two_runs_differ_where_they_were_asked_otherwise(tmp_path: Path) -> None:
    first = make(
        tmp_path, "a", end=FINISHED, packages={"torch": "2.13", "numpy": "2.1", "old": "1"},
        git=Git(commit="c0ffee" * 6, branch="main"),
    )  # fmt: skip
    second = make(
        tmp_path, "b", end=FAILED, packages={"torch": "2.13", "numpy": "2.2", "new": "3"},
        git=Git(commit="c0ffee" * 6, branch="main", dirty=True, diff="--- a\n+++ b\n-x\n+y\n"),
    )  # fmt: skip
    asked(first, "--lr", "0.1", "--fast", SEED="1")
    asked(second, "--lr=0.2", "--fast", SEED="2")
    assert compare(site(tmp_path), "a", "b").changes == (
        Change(group="run", name="state", before="finished", after="failed"),
        Change(group="run", name="took", before="7.5 s", after="2.0 s"),
        Change(group="run", name="why", before=None, after="ValueError: bad"),
        Change(group="parameters", name="--lr", before="0.1", after="0.2"),
        Change(group="parameters", name="$SEED", before="1", after="2"),
        Change(group="code", name="uncommitted", before="nothing", after="2 changed lines"),
        Change(group="packages", name="numpy", before="2.1", after="2.2"),
        Change(group="packages", name="old", before="1", after=None),
        Change(group="packages", name="new", before=None, after="3"),
    )


def test_other_changes_of_the_same_size_are_no_same_code(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make(tmp_path, name, end=FINISHED, git=Git(commit="c", diff=f"+{name}\n"), packages={"a": "1"})
    (only,) = compare(site(tmp_path), "a", "b").changes
    assert (only.before, only.after) == ("1 changed lines", "1 changed lines, others")


def test_what_is_not_known_yet_is_not_compared(tmp_path: Path) -> None:
    make(tmp_path, "a", end=FINISHED, git=Git(commit="c"), packages={"torch": "2.13"}, python="3.11.2")
    make(tmp_path, "b", end=FINISHED)
    found = compare(site(tmp_path), "a", "b")
    assert (found.changes, found.unknown) == ((), ("b",))


def test_what_came_out_last_stands_side_by_side(tmp_path: Path) -> None:
    first, second = (make(tmp_path, name, end=FINISHED) for name in ("a", "b"))
    write(Path(first.model), [("loss", 0, 2.0), ("loss", 1, 0.5), ("early", 0, 1.0)])
    write(Path(second.path), [("loss", 3, 0.25)])
    assert compare(site(tmp_path), "a", "b").results == (
        Result(tag="early", before=Scalar(step=0, value=1.0, time=102.0), after=None),
        Result(
            tag="loss",
            before=Scalar(step=1, value=0.5, time=101.0),
            after=Scalar(step=3, value=0.25, time=100.0),
        ),
    )


def test_of_a_resumed_run_what_was_written_last_counts(tmp_path: Path) -> None:
    folder = make(tmp_path, "a", end=FINISHED)
    write(Path(folder.model), [("loss", 9, 1.0)], begin=200.0)
    write(Path(folder.model) / "again", [("loss", 1, 3.0)])
    write(Path(folder.path), [("loss", 8, 2.0)], begin=100.0)
    found = scalars(site(tmp_path).host, folder.path)
    assert {tag: one.value for tag, one in found.items()} == {"loss": 1.0, "again/loss": 3.0}


@pytest.mark.real
def test_event_files_are_found_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = make(tmp_path / "a b'c", "größe", end=FINISHED)
    write(Path(folder.model), [("loss", 9, 1.0)])
    write(Path(folder.code), [("not/mine", 9, 1.0)])
    assert list(scalars(LocalHost(), folder.path)) == ["loss"]


def test_a_run_whose_files_are_damaged_is_compared_all_the_same(tmp_path: Path) -> None:
    make(tmp_path, "a", end=FINISHED)
    broken = make(tmp_path, "b", end=FINISHED)
    Path(broken.summary).write_text("{")
    Path(broken.attempt(1).request).write_text("[]")
    (Path(broken.model) / "events.out.tfevents.1").write_bytes(b"no events")
    changed = {one.name: one.after for one in compare(site(tmp_path), "a", "b").changes}
    assert changed == {"script": None, "image": None, "devices": None, "host": None}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--lr", "-0.1"], {"--lr": "-0.1"}),
        (["--lr=0.1", "-v"], {"--lr": "0.1", "-v": "given"}),
        (["--layers", "3", "4", "--x"], {"--layers": "3 4", "--x": "given"}),
        (["optimizer.lr=0.1", "data"], {"optimizer.lr": "0.1", "word 2": "data"}),
        (["--tag", "a", "--tag", "b"], {"--tag": "a b"}),
        ([], {}),
    ],
)
def test_arguments_are_known_by_their_names(words: list[str], found: dict[str, Any]) -> None:
    assert parameters(words) == found


def test_a_run_is_the_same_as_itself(tmp_path: Path) -> None:
    folder = make(tmp_path, "a", end=FINISHED)
    asked(folder, "--lr", "0.1")
    there = replace(site(tmp_path), home=str(tmp_path))
    assert compare(there, "a", "a").changes == ()


def test_of_a_long_file_the_beginning_and_the_end_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path, "a", end=FINISHED)
    write(Path(folder.model), [("early", 0, 1.0), *(("loss", step, 1.0 / step) for step in range(1, 500))])
    monkeypatch.setattr("envkit.run.compare._MOST_BYTES", 1000)
    monkeypatch.setattr("envkit.run.compare._FIRST_BYTES", 500)
    found = scalars(site(tmp_path).host, folder.path)
    assert {tag: one.step for tag, one in found.items()} == {"early": 0, "loss": 499}
