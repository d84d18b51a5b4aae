"""The log of several processes: whole lines, each with its rank, whatever a process prints."""

from __future__ import annotations

from pathlib import Path

from envkit.probes.run_merge import LONGEST, Lines, Merger


def test_only_whole_lines_are_marked() -> None:
    lines = Lines("rank 0")
    assert lines.take(b"one\ntw") == b"[rank 0] one\n"
    assert lines.take(b"o\n\nthr") == b"[rank 0] two\n[rank 0] \n"
    assert lines.last() == b"[rank 0] thr\n" and lines.last() == b""


def test_bytes_stay_bytes_and_a_line_without_an_end_becomes_one() -> None:
    lines = Lines("rank 1")
    assert lines.take(b"\xff\x00\r\n") == b"[rank 1] \xff\x00\r\n"
    assert lines.take(b"x" * (LONGEST + 1)) == b"[rank 1] " + b"x" * (LONGEST + 1) + b"\n"


def test_what_came_before_the_end_is_merged(tmp_path: Path) -> None:
    merger = Merger(str(tmp_path), {0: "rank 0", 1: "rank 1"}, str(tmp_path / "all.log"), False)
    merger.start()
    (tmp_path / "rank-0.log").write_bytes(b"a\nb")
    (tmp_path / "rank-1.log").write_bytes(b"c\n")
    merger.finish(60)
    assert sorted((tmp_path / "all.log").read_bytes().splitlines()) == [
        b"[rank 0] a",
        b"[rank 0] b",
        b"[rank 1] c",
    ]
