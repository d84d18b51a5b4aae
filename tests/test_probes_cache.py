"""The cache's program in this process: what is an entry, what goes, what stays, when it stops by itself."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from envkit.probes import cache_main
from envkit.probes.cache_look import MARKER, TRASH

DAY = 86_400.0


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / MARKER).touch()
    return folder


def put(cache: Path, path: str, text: str = "x" * 5000) -> Path:
    file = cache / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def run(cache: Path, mode: str, *, days: float = 0, keep: float = 3 * DAY) -> dict[str, Any]:
    """Run it so many days from now."""
    asked = {"folder": str(cache), "mode": mode, "retention_s": keep}
    return cache_main.main(asked, time.time() + days * DAY)


def states(told: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["state"] for entry in told["entries"]}


def test_what_nobody_used_goes_and_the_rest_stays(cache: Path) -> None:
    put(cache, "old/deep/er/file")
    assert states(run(cache, "clean", days=2)) == {"old": "fresh"}
    assert states(run(cache, "clean", days=4)) == {"old": "removed"}
    assert [path.name for path in cache.iterdir() if not path.name.startswith(".")] == []


def test_a_new_archive_with_old_dates_stays(cache: Path) -> None:
    os.utime(put(cache, "unpacked/file"), (1_000_000_000, 1_000_000_000))
    assert states(run(cache, "clean")) == {"unpacked": "fresh"}


def test_dates_of_the_future_keep_nothing_alive(cache: Path) -> None:
    far = time.time() + 4000 * DAY
    os.utime(put(cache, "unpacked/file"), (far, far))
    assert states(run(cache, "clean", days=4)) == {"unpacked": "removed"}


def test_reading_is_using(cache: Path) -> None:
    file = put(cache, "model/weights")
    read = time.time() + 3 * DAY
    os.utime(file, (read, file.stat().st_mtime))
    assert states(run(cache, "clean", days=3.5)) == {"model": "fresh"}


def test_a_list_of_a_folder_is_no_use_of_it(cache: Path) -> None:
    folder = put(cache, "tool/file").parent
    os.utime(folder, (time.time() + 10 * DAY, folder.stat().st_mtime))
    assert states(run(cache, "clean", days=4)) == {"tool": "removed"}


def test_looking_leaves_no_trace(cache: Path) -> None:
    folder = put(cache, "tool/file").parent
    os.utime(folder, (1, 1))
    run(cache, "status")
    assert folder.stat().st_atime == 1


def test_entries_are_as_large_as_a_tool_would_fetch_them_again(cache: Path) -> None:
    for path in (
        "pip/http-v2/a/b/c/d/e/abcde1", "pip/wheels/aa/bb/cc/rest/one.whl", "uv/archive-v0/x/y",
        "huggingface/hub/models--a--b/blobs/1", "huggingface/hub/models--a--b/snapshots/1/config.json",
        "huggingface/hub/.locks/models--a--b/1.lock", "huggingface/datasets/squad/1", "huggingface/token",
        "torch/hub/checkpoints/resnet.pth", "inductor/fxgraph/ab/abcd/1", "inductor/xy/code.py",
        "triton/HASH/kernel.cubin", "xdg/matplotlib/fonts.json", "mine/file", "loose",
    ):  # fmt: skip
        put(cache, path)
    assert sorted(states(run(cache, "dry", days=4))) == [
        "huggingface/datasets/squad",
        "huggingface/hub/.locks/models--a--b",
        "huggingface/hub/models--a--b",
        "inductor/fxgraph/ab/abcd",
        "inductor/xy",
        "loose",
        "mine",
        "pip/http-v2/a/b/c/d/e",
        "pip/wheels/aa/bb/cc/rest",
        "torch/hub/checkpoints/resnet.pth",
        "triton/HASH",
        "uv",
        "xdg/matplotlib",
    ]


def test_a_login_is_never_removed(cache: Path) -> None:
    token = put(cache, "huggingface/token")
    run(cache, "clean", days=400)
    assert token.exists()


def test_a_dry_run_removes_nothing(cache: Path) -> None:
    file = put(cache, "old/file")
    assert states(run(cache, "dry", days=4)) == {"old": "unused"}
    assert file.exists()


def test_a_link_is_an_entry_and_never_a_way(cache: Path, tmp_path: Path) -> None:
    outside = put(tmp_path, "home/keep")
    put(cache, "tool/file")
    (cache / "huggingface").symlink_to(outside.parent)
    (cache / "tool" / "link").symlink_to(outside.parent)
    told = states(run(cache, "clean", days=4))
    assert told == {"huggingface": "removed", "tool": "removed"}
    assert outside.read_text() == "x" * 5000


def test_what_is_open_stays(cache: Path) -> None:
    with put(cache, "model/weights").open():
        assert states(run(cache, "clean", days=4)) == {"model": "in use"}
    assert states(run(cache, "clean", days=4)) == {"model": "removed"}


def test_what_is_locked_stays(cache: Path) -> None:
    with put(cache, "tool/lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert states(run(cache, "clean", days=4)) == {"tool": "in use"}


def test_a_folder_that_somebody_works_in_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(put(cache, "tool/sub/file").parent)
    assert states(run(cache, "clean", days=4)) == {"tool": "in use"}


def test_a_folder_that_nobody_may_write_to_goes_too(cache: Path) -> None:
    put(cache, "go/mod/file").parent.chmod(0o555)
    assert states(run(cache, "clean", days=4)) == {"go": "removed"}


def test_an_unmarked_folder_is_left_alone(tmp_path: Path) -> None:
    file = put(tmp_path, "home/file")
    assert run(tmp_path / "home", "clean", days=400)["refused"] == "not marked"
    assert file.exists()


def test_an_empty_folder_becomes_a_cache(tmp_path: Path) -> None:
    run(tmp_path, "auto")
    assert (tmp_path / MARKER).is_file()
    assert (tmp_path / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


@pytest.mark.parametrize("name", [MARKER, TRASH, ""])
def test_a_link_in_place_of_our_own_is_refused(cache: Path, tmp_path: Path, name: str) -> None:
    outside = put(tmp_path, "home/file")
    if name:
        (cache / name).unlink(missing_ok=True)
        (cache / name).symlink_to(outside.parent)
        asked = cache
    else:
        asked = tmp_path / "link"
        asked.symlink_to(cache)
    put(cache, "old/file")
    assert "refused" in run(asked, "clean", days=4)
    assert (outside.exists(), (cache / "old" / "file").exists()) == (True, True)


def test_a_run_beside_another_is_refused(cache: Path) -> None:
    with (cache / MARKER).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run(cache, "clean", days=4)["refused"] == "another run is at it"


def test_what_a_killed_run_left_is_finished(cache: Path) -> None:
    file = put(cache, "old/file")
    info = file.parent.stat()
    (cache / TRASH).mkdir()
    file.parent.rename(cache / TRASH / f"{info.st_dev:x}-{info.st_ino:x}-00")
    assert run(cache, "clean")["finished"] == 1
    assert list((cache / TRASH).iterdir()) == []


def test_what_is_in_the_trash_by_mistake_comes_back(cache: Path) -> None:
    put(cache, f"{TRASH}/1-2-00/file")
    run(cache, "clean")
    assert (cache / "recovered-1-2-00" / "file").exists()


def test_the_automatic_run_comes_once_in_hours(cache: Path) -> None:
    put(cache, "fresh/file")
    assert run(cache, "auto")["stopped"] == ""
    assert run(cache, "auto", days=0.1)["stopped"] == "soon"


def test_the_automatic_run_stops_before_it_removes_more_than_half(cache: Path) -> None:
    file = put(cache, "old/file")
    assert run(cache, "auto", days=4)["stopped"] == "half"
    assert file.exists()
    assert run(cache, "clean", days=4)["states"]["removed"]["entries"] == 1


def test_the_automatic_run_stops_when_the_clock_went_back(cache: Path) -> None:
    put(cache, "old/file")
    run(cache, "clean", days=2)
    assert run(cache, "auto")["stopped"] == "clock"


def test_the_automatic_run_stops_when_the_clock_went_ahead_of_the_machine(cache: Path) -> None:
    put(cache, "old/file")
    run(cache, "auto")
    assert run(cache, "auto", days=40)["stopped"] == "clock"


def test_a_machine_that_was_off_is_no_jump(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(cache, "auto")
    monkeypatch.setattr(cache_main, "boot_id", lambda: "after the next start")
    assert run(cache, "auto", days=40)["stopped"] == ""


def test_where_reading_leaves_no_trace_the_automatic_run_waits_longer(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache, "old/file", "x")
    put(cache, "large/file", "x" * 50_000)
    monkeypatch.setattr("envkit.probes.cache_look.mount_facts", lambda mount: ("nfs4", "rw", ""))
    told = run(cache, "auto", days=29)
    assert (told["reading_leaves_a_trace"], told["retention_s"]) == (False, 30 * DAY)
    assert set(states(told).values()) == {"fresh"}
    assert set(states(run(cache, "clean", days=29)).values()) == {"removed"}


def test_another_users_entry_is_left_alone(cache: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(put(cache, "theirs/file").parent, 12_345, 12_345)
    assert states(run(cache, "clean", days=4)) == {"theirs": "foreign"}


def test_wiping_leaves_nothing_in_the_folder(cache: Path) -> None:
    put(cache, "pip/http-v2/a/b/file")
    put(cache, "huggingface/token")
    run(cache, "auto")
    run(cache, "wipe")
    assert list(cache.iterdir()) == []


def test_the_journal_says_what_went(cache: Path) -> None:
    put(cache, "old/file")
    run(cache, "clean", days=4)
    lines = [json.loads(line) for line in (cache / ".envkit-journal.jsonl").read_text().splitlines()]
    assert [line.get("removed") for line in lines] == ["old", None]
    assert lines[1]["entries"] == 1
