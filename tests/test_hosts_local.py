"""This machine's files and programs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from envkit.errors import HostError
from envkit.hosts.local import LocalHost

HOST = LocalHost()


def executable(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n", encoding="ascii")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_all_programs_of_a_name_are_found_in_the_order_of_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = executable(tmp_path / "b", "tool-x"), executable(tmp_path / "a", "tool-x")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "tool-x").write_text("not executable", encoding="ascii")
    folders = [str(tmp_path / name) for name in ("b", "a", "c", "gone")]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    assert HOST.find_programs("tool-x") == (first, second)


def test_a_program_found_twice_through_a_link_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = executable(tmp_path / "real", "tool-x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("PATH", f"{tmp_path / 'link'}{os.pathsep}{tmp_path / 'real'}")
    assert HOST.find_programs("tool-x") == (tmp_path / "link" / "tool-x",)
    assert real.is_file()


def test_a_file_that_is_not_there_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff")
    assert HOST.read(tmp_path / "file") == b"\x00\xff"
    assert HOST.read(tmp_path / "gone") is None
    assert HOST.read(tmp_path / "file" / "below") is None


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be read: Is a directory"):
        HOST.read(tmp_path)


def test_free_space_is_told_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert HOST.free_bytes(tmp_path / "a" / "b") == pytest.approx(HOST.free_bytes(tmp_path), rel=0.05)
