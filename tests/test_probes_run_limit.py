"""A log that is kept within its limit while it is written, and those who read it meanwhile."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.hosts.local import LocalHost
from envkit.probes.run_limit import Limited
from envkit.probes.run_merge import Follower
from envkit.run.log_file import cut_of, read_on, settled

LIMIT = 1 << 20
LINE = b"step %08d " + b"." * 84 + b"\n"  # 100 bytes


class Writer:
    """Prints into a log as a script does: to the end of a file that it holds open."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def print(self, lines: int) -> None:
        """Print so many lines of 100 bytes."""
        numbers = range(self.count, self.count + lines)
        os.write(self._file, b"".join(LINE % number for number in numbers))
        self.count += lines

    def close(self) -> None:
        """End."""
        os.close(self._file)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path / "rank-0.log")
    yield made
    made.close()


def numbers(text: bytes) -> list[int]:
    return [int(line[5:13]) for line in text.splitlines() if line.startswith(b"step ")]


def test_the_disk_holds_no_more_than_the_limit_and_the_file_ends_as_it_should(writer: Writer) -> None:
    log = Limited(str(writer.path), LIMIT)
    for _ in range(60):
        writer.print(2000)
        log.look()
        assert writer.path.stat().st_blocks * 512 <= LIMIT + (1 << 16)
    writer.print(3)
    log.close()
    text = writer.path.read_bytes()
    assert len(text) <= LIMIT + (1 << 16) and b"\0" not in text
    found = numbers(text)
    assert found[0] == 0 and found[-1] == writer.count - 1
    [missing] = [(one, two) for one, two in itertools.pairwise(found) if two != one + 1]
    assert missing[1] - missing[0] > 100_000  # one place, and it says so
    lines = text.splitlines()
    assert b"grew beyond 1 MB (--log-limit)" in lines[missing[0] + 1]
    assert len(found) * 100 > LIMIT * 3 // 4 - 200


def test_a_log_within_its_limit_is_left_alone(writer: Writer, tmp_path: Path) -> None:
    log = Limited(str(writer.path), LIMIT)
    writer.print(10_000)
    log.look()
    log.close()
    assert numbers(writer.path.read_bytes()) == list(range(10_000))
    assert list(tmp_path.iterdir()) == [writer.path]


def test_who_follows_reads_on_through_the_cut_and_the_end(writer: Writer) -> None:
    log, host = Limited(str(writer.path), LIMIT), LocalHost()
    got, offset = b"", 0

    def read() -> None:
        nonlocal got, offset
        while (found := read_on(host, writer.path, offset)) and found[1] != offset:
            got, offset = got + found[0], found[1]

    for _ in range(30):
        writer.print(2000)
        read()
        log.look()
    writer.print(7)
    log.close()
    offset = settled(host, writer.path, offset)
    read()
    assert numbers(got) == list(range(writer.count))  # who was in time has all of it


@pytest.mark.parametrize("kind", ["host", "merger"])
def test_who_is_late_reads_past_what_is_gone(writer: Writer, kind: str) -> None:
    log = Limited(str(writer.path), LIMIT)
    for _ in range(30):
        writer.print(2000)
        log.look()
    got = b""
    if kind == "merger":
        follower = Follower(str(writer.path))
        while part := follower.read():
            got += part
        follower.close()
    else:
        offset = 0
        while (found := read_on(LocalHost(), writer.path, offset)) and found[1] != offset:
            got, offset = got + found[0], found[1]
    assert b"\0" not in got and b"left out" in got
    found_numbers = numbers(got)
    assert found_numbers[0] == 0 and found_numbers[-1] == writer.count - 1


def test_zeros_that_a_script_prints_are_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rank-0.log"
    path.write_bytes(b"a\n" + b"\0" * 10_000 + b"b\n")
    assert read_on(LocalHost(), path, 0) == (path.read_bytes(), path.stat().st_size)
    assert cut_of(LocalHost(), path) is None


def test_a_disk_that_frees_no_middle_keeps_all_and_says_so(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("envkit.probes.run_limit._free", refuse)
    log = Limited(str(writer.path), LIMIT)
    for _ in range(3):
        writer.print(20_000)
        log.look()
    log.close()
    text = writer.path.read_bytes()
    assert numbers(text) == list(range(60_000)) and text.count(b"stays whole") == 1
    assert cut_of(LocalHost(), writer.path) is None
