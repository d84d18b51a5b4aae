"""The log of several processes: whole lines, each with its rank, whatever a process prints."""

from __future__ import annotations

from pathlib import Path

from envkit.probes.run_merge import LONGEST, Lines, Merger, merge_rest


def test_only_whole_lines_are_marked() -> None:
    lines = Lines("rank 0")
    assert lines.take(b"one\ntw") == b"[rank 0] one\n"
    assert lines.take(b"o\n\nthr") == b"[rank 0] two\n[rank 0] \n"
    assert lines.last() == b"[rank 0] thr\n" and lines.last() == b""


def test_bytes_stay_bytes_and_a_line_without_an_end_becomes_one() -> None:
    lines = Lines("rank 1")
    assert lines.take(b"\xff\x00\r\n") == b"[rank 1] \xff\x00\r\n"
    assert lines.take(b"x" * (LONGEST + 1)) == b"[rank 1] " + b"x" * (LONGEST + 1) + b"\n"


def test_a_progress_bar_is_shown_while_it_grows() -> None:
    lines = Lines("rank 0")
    assert lines.take(b"\r 1%\r 2%\r 3%") + lines.bar(100.0) == b"[rank 0] \r 1%\r 2%\n"
    assert lines.take(b"\r 4%\r") + lines.bar(101.0) == b""  # not so often
    assert lines.bar(200.0) == b"[rank 0]  3%\n"
    assert lines.take(b"\n") == b"[rank 0]  4%\r\n"


def test_a_progress_bar_is_added_once_after_a_kill(tmp_path: Path) -> None:
    lines = Lines("box rank 0")
    begun = lines.take(b"\r 1%\r 2%\r 3%") + lines.bar(100.0)
    (tmp_path / "rank-0.log").write_bytes(b"\r 1%\r 2%\r 3%\nend")
    (tmp_path / "all.log").write_bytes(begun)
    merge_rest(str(tmp_path), {0: "box rank 0"}, str(tmp_path / "all.log"), 60)
    assert (tmp_path / "all.log").read_bytes() == begun + b"[box rank 0]  3%\n[box rank 0] end\n"


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


NAMES = {0: "box rank 0", 1: "box rank 1"}


def rest(folder: Path, merged: bytes) -> bytes:
    """Return the log of all, completed after its writer was killed."""
    (folder / "rank-0.log").write_bytes(b"one\ntwo\nthree")
    (folder / "rank-1.log").write_bytes(b"[box rank 0] uno\n\ndue\n")
    (folder / "all.log").write_bytes(merged)
    merge_rest(str(folder), NAMES, str(folder / "all.log"), 60)
    return (folder / "all.log").read_bytes()


def test_what_a_killed_merger_had_not_got_to_is_added_once(tmp_path: Path) -> None:
    begun = b"[box rank 1] [box rank 0] uno\n[box rank 0] one\n[box rank 1] \n"
    whole = begun + b"[box rank 0] two\n[box rank 1] due\n[box rank 0] three\n"
    assert rest(tmp_path, begun) == whole
    assert sorted(rest(tmp_path, b"").splitlines()) == sorted(whole.splitlines())


def test_a_line_that_was_torn_is_written_again_at_its_place(tmp_path: Path) -> None:
    torn = b"[box rank 0] one\n[box rank 1] [box ra"
    found = rest(tmp_path, torn)
    assert found.startswith(b"[box rank 0] one\n[box rank 1] [box rank 0] uno\n[box rank 1] \n")
    assert found.count(b"uno") == found.count(b"two") == found.count(b"three") == 1


def test_a_log_with_a_hole_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "rank-0.log.cut").write_bytes(b"{}")
    assert rest(tmp_path, b"[box rank 0] one\n") == b"[box rank 0] one\n"
