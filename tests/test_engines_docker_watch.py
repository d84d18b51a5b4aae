"""A container's log as it comes over a connection: in chunks, in frames, cut, silent."""

from __future__ import annotations

import socket
import struct

import pytest

from envkit.engines.docker_watch import arriving, lines, moment, unchunked
from envkit.engines.values import LogLine
from envkit.errors import EngineError


def frame(text: bytes, second: int = 0, stream: int = 1) -> bytes:
    payload = b"2026-01-01T00:00:%02d.000000001Z " % second + text
    return struct.pack(">BxxxL", stream, len(payload)) + payload


START = moment("2026-01-01T00:00:00.000000001Z")
LATER = START + 1_000_000_000


@pytest.mark.parametrize(
    ("stamp", "ns"),
    [
        ("1970-01-01T00:00:01.000000002Z", 1_000_000_002),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01.25+00:00", 1_250_000_000),
    ],
)
def test_a_moment_is_exact(stamp: str, ns: int) -> None:
    assert moment(stamp) == ns


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_lines_do_not_depend_on_how_they_were_cut_on_the_way(size: int) -> None:
    sent = frame(b"one\n") + frame(b"two\n", 1, 2)
    parts = [sent[at : at + size] for at in range(0, len(sent), size)]
    found = [line for batch in lines(parts, whole=False) for line in batch]
    assert found == [LogLine(START, 1, b"one"), LogLine(LATER, 2, b"two")]


def test_parts_of_one_moment_are_one_line_and_those_of_two_are_two() -> None:
    sent = frame(b"a") + frame(b"b\n") + frame(b"last words") + frame(b"first words\n", 1)
    [found] = lines([sent], whole=False)
    assert [line.text for line in found] == [b"ab", b"last words", b"first words"]


def test_a_line_without_its_end_only_counts_where_the_log_is_whole() -> None:
    assert list(lines([frame(b"half")], whole=False)) == []
    assert list(lines([frame(b"half")], whole=True)) == [(LogLine(START, 1, b"half"),)]


def test_a_silence_is_handed_on() -> None:
    assert list(lines(unchunked([b"", b"0\r\n\r\n"]), whole=False)) == [()]


def test_a_cut_is_not_an_end() -> None:
    with pytest.raises(EngineError, match="cut the container's log"):
        list(unchunked([b"3\r\nabc\r\n"]))
    with pytest.raises(EngineError, match="cut the container's log"):
        list(lines([frame(b"one\n")[:-1]], whole=False))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_chunks_are_undone_however_they_come(size: int) -> None:
    sent = b"3\r\nabc\r\n2;more=x\r\nde\r\n0\r\n\r\n"
    parts = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert b"".join(unchunked(parts)) == b"abcde"


def test_who_says_nothing_is_waited_for_and_told() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        parts = arriving(near, b"early", quiet_s=0.01)
        assert [next(parts), next(parts)] == [b"early", b""]
        far.sendall(b"late")
        far.shutdown(socket.SHUT_WR)
        assert list(parts) == [b"late"]
