"""What a run printed, of which process and which attempt."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.errors import UsageError
from envkit.hosts.base import PART_BYTES
from envkit.hosts.local import LocalHost
from envkit.run.folder import RunFolder
from envkit.run.listing import find
from envkit.run.output import Wanted, offset_of, read
from tests.run_folders import make, site

HOST = LocalHost()


def printed(folder: RunFolder, name: str, text: bytes) -> None:
    (Path(folder.attempt(1).path) / name).write_bytes(text)


def said(home: Path, **wanted: int) -> bytes:
    run = find(site(home), "a")
    return b"".join(read(HOST, run, Wanted(**wanted)))


def test_everything_comes_as_it_was_printed(tmp_path: Path) -> None:
    folder = make(tmp_path, "a")
    text = b"\xff\x00 50%\r100%\n" * (PART_BYTES // 10)
    printed(folder, "rank-0.log", text)
    assert said(tmp_path) == text


def test_of_several_processes_all_are_read_or_one(tmp_path: Path) -> None:
    folder = make(tmp_path, "a", nproc=2)
    printed(folder, "all.log", b"[rank 0] x\n[rank 1] y\n")
    printed(folder, "rank-1.log", b"y\n")
    assert (said(tmp_path), said(tmp_path, rank=1)) == (b"[rank 0] x\n[rank 1] y\n", b"y\n")


@pytest.mark.real
@pytest.mark.parametrize(("tail", "text"), [(2, b"b\nc\n"), (0, b""), (9, b"a\nb\nc\n")])
def test_the_last_lines_are_found(tmp_path: Path, tail: int, text: bytes) -> None:
    printed(make(tmp_path, "a"), "rank-0.log", b"a\nb\nc\n")
    assert said(tmp_path, tail=tail) == text


def test_what_has_printed_nothing_yet_has_no_lines(tmp_path: Path) -> None:
    folder = make(tmp_path, "a")
    assert said(tmp_path, tail=5) == b""
    assert offset_of(HOST, folder.attempt(1).log(0), 5) == 0


@pytest.mark.parametrize(
    ("wanted", "fix"),
    [
        ({"rank": 1}, "it has one process, rank 0: leave --rank out"),
        ({"attempt": 2}, "--attempt 1 to 1"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path: Path, wanted: dict[str, int], fix: str) -> None:
    make(tmp_path, "a")
    with pytest.raises(UsageError) as caught:
        said(tmp_path, **wanted)
    assert caught.value.fix == fix
