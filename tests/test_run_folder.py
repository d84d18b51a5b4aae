"""A run's folder: its paths, and its records from JSON and back."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest

from envkit.run.folder import Attempt, End, Frame, Node, Rank, Request, RunFolder, RunRecord
from envkit.run.from_json import Damaged, read, text

REQUEST = Request(
    name="a",
    folder="/work/home/task/a",
    kind="script",
    target="/work/home/train.py",
    directory="/work/home",
    python=("/opt/python",),
    node=Node(rank=0, count=2, address="10.0.0.1", port=29400, names=("h1", "h2")),
    record={"devices": ["cuda:0"], "plan": {"any": 1}},
)
END = End(
    state="failed",
    cause="script-error",
    code=1,
    rank=0,
    words="ValueError: bad",
    frame=Frame(file="/work/home/train.py", line=3, function="<module>", text="raise ValueError('bad')"),
    sentence="it failed",
    ranks=(Rank(rank=0, pid=7, started=1.0, ended=2.5, code=1),),
)


def test_host_and_container_name_the_same_files() -> None:
    host, inside = RunFolder.on_host("/home/a", "x"), RunFolder.inside("x")
    assert host.path == PurePosixPath("/home/a/task/x")
    assert inside.attempt(2).end == PurePosixPath("/work/home/task/x/attempts/2/end.json")
    assert host.attempt(1).shown_log(1).name == "rank-0.log"
    assert host.attempt(1).shown_log(4).name == "all.log"


@pytest.mark.parametrize(
    "record",
    [REQUEST, END, RunRecord(name="a", attempt=Attempt(number=1, end=END))],
    ids=lambda one: type(one).__name__,
)
def test_a_record_comes_back_as_it_went(record: Request | End | RunRecord) -> None:
    assert read(type(record), text(record).encode(), name="x.json") == record


def test_what_a_newer_envkit_wrote_is_read_too() -> None:
    told = {**json.loads(text(END)), "new": {"of": "a later version"}}
    assert read(End, json.dumps(told).encode(), name="end.json") == END


def test_a_whole_number_is_a_moment_too() -> None:
    assert read(Rank, b'{"rank": 1, "started": 5}', name="rank-1.json").started == 5.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "Expecting property name"),
        (b"[]", "it holds list '[]' where End belongs"),
        (b"{}", "'state' is missing"),
        (b'{"state": "happy"}', "'state' holds str 'happy'"),
        (b'{"state": "failed", "ranks": {"a": 1}}', "'ranks' holds dict"),
        (b'{"state": "failed", "code": true}', "'code' holds bool 'True'"),
        (b'\xff{"state": "failed"}', "codec can't decode"),
    ],
)
def test_a_damaged_file_is_named(text: bytes, says: str) -> None:
    with pytest.raises(Damaged, match=r"^/t/end.json is not as envkit wrote it: ") as raised:
        read(End, text, name="/t/end.json")
    assert says in raised.value.what
