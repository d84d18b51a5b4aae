"""What is read of the folders of runs: whole, broken, and none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.hosts.local import LocalHost
from envkit.run.evidence import beginning, look
from envkit.run.folder import End, Git, Stop
from tests.run_folders import SUPERVISOR, FolderHost, make

FAILED = End(
    state="failed", cause="script-error", code=3, sentence="ValueError: bad", started=1000.0, ended=1007.5
)


@pytest.mark.real
def test_one_command_reads_every_run_of_every_home(tmp_path: Path) -> None:
    make(tmp_path / "ada", "one", end=FAILED)
    make(tmp_path / "ada", "two", stop=Stop(by="user", time=1.0))
    make(tmp_path / "grace o'h", "one")
    found = look(LocalHost(), (str(tmp_path / "ada"), str(tmp_path / "none"), str(tmp_path / "grace o'h")))
    assert [(Path(one.home).name, one.name) for one in found.runs] == [
        ("ada", "one"),
        ("ada", "two"),
        ("grace o'h", "one"),
    ]
    first, second, _ = found.runs
    assert first.evidence.end == FAILED
    assert first.started == 1000.0
    assert first.record.record["image"] == "cpu:dev"
    assert second.evidence.stop == Stop(by="user", time=1.0)
    assert second.evidence.supervisor == SUPERVISOR
    assert not any(one.damaged for one in found.runs)


@pytest.mark.real
def test_the_machine_of_other_tests_reads_as_this_one_does(tmp_path: Path) -> None:
    for number in range(3):
        make(tmp_path, f"run-{number}", end=FAILED if number else None)
    homes = (str(tmp_path), str(tmp_path / "none"))
    assert look(FolderHost(), homes).runs == look(LocalHost(), homes).runs


@pytest.mark.real
def test_the_last_attempt_counts(tmp_path: Path) -> None:
    folder = make(tmp_path, "again", end=FAILED)
    for number in (2, 10):
        Path(folder.attempt(number).path).mkdir()
        Path(folder.attempt(number).stop).write_text('{"by": "user", "time": 3}')
    (only,) = look(LocalHost(), [str(tmp_path)]).runs
    assert (only.attempt, only.evidence.end) == (10, None)
    assert only.started is None


@pytest.mark.real
def test_of_a_long_summary_what_no_list_needs_is_left_out(tmp_path: Path) -> None:
    many = {f"package-{number}": "1.0" for number in range(500)}
    folder = make(
        tmp_path, "dirty", end=FAILED, packages=many, git=Git(commit="c0ffee", diff="+é\n" * 100_000)
    )
    found = look(LocalHost(), [str(tmp_path)])
    assert found.runs == look(FolderHost(), [str(tmp_path)]).runs
    (only,) = found.runs
    assert (only.record.record["image"], only.record.packages, only.record.nproc) == ("cpu:dev", {}, 1)
    text = Path(folder.summary).read_text("utf-8")
    Path(folder.summary).write_text(text + " " * 5_000_000, "utf-8")  # of many MB the beginning is enough
    (only,) = look(LocalHost(), [str(tmp_path)]).runs
    assert (only.record.created, only.evidence.end, only.damaged) == (1000.0, FAILED, ())


@pytest.mark.real
@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'{"name": 7}', b"\xff\xfe\x00", b'{"attempt": "no"}', b'{"a"' * 9000]
)
def test_a_summary_that_is_none_hides_no_other(tmp_path: Path, text: bytes) -> None:
    broken = make(tmp_path, "broken", end=FAILED)
    Path(broken.summary).write_bytes(text)
    make(tmp_path, "whole")
    first, second = look(LocalHost(), [str(tmp_path)]).runs
    assert (first.name, first.evidence.end) == ("broken", FAILED)
    assert (second.name, second.record.created) == ("whole", 1000.0)


@pytest.mark.real
def test_evidence_that_is_none_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path, "x", end=FAILED)
    Path(folder.attempt(1).end).write_text('{"state": "fine"}')
    Path(folder.attempt(1).supervisor).write_text("")
    (only,) = look(LocalHost(), [str(tmp_path)]).runs
    assert only.damaged == ("attempts/1/supervisor.json", "attempts/1/end.json")
    assert only.evidence.end == FAILED  # the summary tells it, too


@pytest.mark.real
def test_what_is_no_file_is_neither_waited_for_nor_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"created": 7}')
    tasks = tmp_path / "task"
    for name in ("pipe", "link", "folder", "fine"):
        (tasks / name).mkdir(parents=True)
    os.mkfifo(tasks / "pipe" / "run.json")
    (tasks / "link" / "run.json").symlink_to(secret)
    (tasks / "folder" / "run.json").mkdir()
    (tasks / "fine" / "run.json").write_text("{}")
    assert [one.name for one in look(LocalHost(), [str(tmp_path)]).runs] == ["fine"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=6), st.integers(0, 300))
def test_the_beginning_of_an_object_holds_nothing_that_is_not_in_it(
    whole: dict[str, object], end: int
) -> None:
    import json

    text = json.dumps(whole, sort_keys=True, indent=1)[:end]
    found, is_whole = beginning(text)
    assert is_whole == (end >= len(json.dumps(whole, indent=1)))
    assert found.items() <= whole.items() if not is_whole else found == whole


@given(st.text(max_size=40))
def test_whatever_stands_there_nothing_raises(text: str) -> None:
    beginning(text)
