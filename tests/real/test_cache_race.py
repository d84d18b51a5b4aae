"""The cache's program beside an attacker who swaps folders for links: nothing outside is ever touched."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.environment.cache import look
from envkit.errors import EnvkitError
from envkit.hosts.local import LocalHost
from envkit.probes.cache_look import MARKER

pytestmark = pytest.mark.real

TRIES = 10_000
ENTRIES = 60


class Attacker:
    """A program that swaps, and how often it did."""

    def __init__(self, cache: Path, outside: Path) -> None:
        program = Path(__file__).with_name("cache_attacker.py")
        self.tries = 0
        self._process = subprocess.Popen(
            [sys.executable, str(program), str(cache), str(outside)], stdout=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.tries = int(line)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What must stay: files with the names that the cache's have too."""
    folder = tmp_path / "home" / "sub"
    folder.mkdir(parents=True)
    for number in range(50):
        for place in (folder, folder.parent):
            (place / f"file{number}").write_text(f"kept {number}")
    return folder.parent


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / MARKER).touch()
    return folder


@pytest.fixture
def attacker(cache: Path, outside: Path) -> Iterator[Attacker]:
    fill(cache)
    one = Attacker(cache, outside)
    yield one
    one.end()


def fill(cache: Path) -> None:
    folders = [cache / f"e{number}" for number in range(ENTRIES)] + [cache / "huggingface" / "hub"]
    for folder in folders:
        try:
            (folder / "sub").mkdir(parents=True, exist_ok=True)
            for number in range(5):
                # Never along a link that the attacker has just put there: that would be the test's own doing.
                for place in (folder, folder / "sub"):
                    fd = os.open(place, os.O_DIRECTORY | os.O_NOFOLLOW)
                    try:
                        if Path(f"/proc/self/fd/{fd}").resolve().is_relative_to(cache):
                            os.close(os.open(f"file{number}", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
                    finally:
                        os.close(fd)
        except OSError:
            continue


def fingerprint(folder: Path) -> str:
    """Return all that could change: names, bytes, modes, owners, and when the inode was last changed."""
    digest = hashlib.sha256()
    for path in sorted([folder, *folder.rglob("*")]):
        info = path.lstat()
        facts = (info.st_mode, info.st_uid, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        digest.update(f"{path} {facts}".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def test_ten_thousand_swaps_touch_nothing_outside(cache: Path, outside: Path, attacker: Attacker) -> None:
    before = fingerprint(outside)
    removed = runs = 0
    while attacker.tries < TRIES or removed < 500:
        fill(cache)
        done = look(LocalHost(), str(cache), 0, "clean")
        removed += done.amount("removed").entries
        runs += 1
    assert fingerprint(outside) == before
    sys.stdout.write(f"{attacker.tries} swaps, {runs} runs, {removed} entries removed\n")


def test_the_same_attacker_defeats_a_cleaner_that_goes_by_path(
    cache: Path, outside: Path, attacker: Attacker
) -> None:
    before = fingerprint(outside)
    deadline = time.monotonic() + 300
    while fingerprint(outside) == before and time.monotonic() < deadline:
        fill(cache)
        for folder in cache.glob("e*"):
            by_path(folder)
    assert fingerprint(outside) != before


def by_path(folder: Path) -> None:
    """Look, then remove: as a loop in a shell does."""
    try:
        if folder.is_dir() and not folder.is_symlink():
            for path in folder.iterdir():
                by_path(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            folder.rmdir()
    except OSError:
        return


@pytest.mark.parametrize("after_s", [0.12, 0.2, 0.3, 0.45, 0.7])
def test_a_run_that_was_killed_is_finished_by_the_next(cache: Path, after_s: float) -> None:
    for number in range(30):
        folder = cache / "pip" / "wheels" / "aa" / "bb" / "cc" / f"w{number}"
        folder.mkdir(parents=True)
        for file in range(100):
            (folder / f"f{file}").write_text("x")
    killed = until(after_s, lambda: look(LocalHost(), str(cache), 0, "clean"))
    done = look(LocalHost(), str(cache), 0, "clean")
    assert killed or done.amount("removed").entries == 0
    assert list((cache / ".envkit-trash").iterdir()) == []
    assert not list(cache.rglob("f*"))


def until(after_s: float, run: Callable[[], object]) -> bool:
    """Run it, and kill its program after so long; tell whether that came in time."""
    ended: list[bool] = []

    def work() -> None:
        try:
            run()
            ended.append(False)
        except EnvkitError:
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(after_s)
    me = str(os.getpid())
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            continue
        if parent == me and words[:3] == [b"python3", b"-I", b"-"]:
            os.kill(int(entry.name), 9)
    thread.join()
    return ended[0]
