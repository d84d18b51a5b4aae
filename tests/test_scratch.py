"""Folders for a moment: they go with their process, and a killed process's go with the next one's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envkit.scratch import Scratch, leftovers, remove

HOLD = """
import sys, time
from pathlib import Path
from envkit.scratch import Scratch
print(Scratch("build", Path(sys.argv[1])).path, flush=True)
time.sleep(600)
"""


def held(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start another process that is at a folder."""
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(parent)], stdout=subprocess.PIPE, text=True)
    assert other.stdout
    return other, Path(other.stdout.readline().strip())


def test_it_is_private_and_goes_at_the_end(tmp_path: Path) -> None:
    with Scratch("build", tmp_path) as folder:
        (folder / "net").write_text("secret")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert leftovers(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
def test_a_living_process_keeps_it_and_a_killed_one_s_goes_with_the_next(tmp_path: Path) -> None:
    other, folder = held(tmp_path)
    with other:
        (folder / "net").write_text("secret")
        with Scratch("build", tmp_path):
            assert folder.is_dir()
        other.send_signal(signal.SIGKILL)
        other.wait(60)
    assert leftovers(tmp_path) == (folder,)
    with Scratch("proof", tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine]


@pytest.mark.real
def test_what_is_not_left_over_is_not_removed(tmp_path: Path) -> None:
    other, folder = held(tmp_path)
    with other:
        remove(folder)
        assert folder.is_dir()
        other.kill()


def test_one_without_a_lock_is_left_over_only_when_it_is_old(tmp_path: Path) -> None:
    folder = tmp_path / "envkit-tmp-build-x"
    folder.mkdir()
    assert leftovers(tmp_path) == ()
    os.utime(folder, (1, 1))
    assert leftovers(tmp_path) == (folder,)


def test_links_and_folders_of_others_names_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "envkit-tmp-build-link").symlink_to(tmp_path / "mine")
    (tmp_path / "envkit-other").mkdir()
    assert leftovers(tmp_path) == ()
