"""The conversation with a command, over a pair of sockets: one end talks, the other plays the engine."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from envkit.engines.docker_exec import talk
from envkit.engines.values import ExecRequest
from envkit.errors import EngineError


def frame(which: int, content: bytes) -> bytes:
    return struct.pack(">BxxxL", which, len(content)) + content


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, engines = socket.socketpair()
    ours.setblocking(False)
    with ours, engines:
        yield ours, engines


def played(engine: socket.socket, play: Callable[[], None]) -> threading.Thread:
    """Play the engine beside the test, which ends by closing its end."""

    def run() -> None:
        play()
        engine.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def ask(stdin: bytes = b"", timeout_s: float = 10.0) -> ExecRequest:
    return ExecRequest(command=("cat",), stdin=stdin, timeout_s=timeout_s)


Ends = tuple[socket.socket, socket.socket]


def test_both_outputs_come_apart(ends: Ends) -> None:
    ours, engine = ends
    engine.sendall(frame(1, b"out 1 ") + frame(2, b"err") + frame(1, b"out 2"))
    engine.close()
    assert talk(ours, b"", ask()) == (b"out 1 out 2", b"err")


def test_a_line_is_heard_while_the_command_goes_on(ends: Ends) -> None:
    ours, engine = ends
    heard: list[bytes] = []

    def hear(line: bytes) -> None:
        heard.append(line)
        if line == b"one\n":  # nothing more was sent until this was heard
            engine.sendall(frame(2, b"err\n") + frame(1, b"o\nrest")[:-2])
            engine.sendall(b"st")
            engine.close()

    engine.sendall(frame(1, b"on") + frame(1, b"e\ntw"))
    assert talk(ours, b"", replace(ask(), hear=hear)) == (b"one\ntwo\nrest", b"err\n")
    assert heard == [b"one\n", b"two\n"]


def test_what_came_with_the_answers_header_is_not_lost(ends: Ends) -> None:
    ours, engine = ends
    whole = frame(1, b"hello") + frame(2, b"world")
    engine.sendall(whole[5:])
    engine.close()
    assert talk(ours, whole[:5], ask()) == (b"hello", b"world")


def test_a_command_may_answer_while_it_reads(ends: Ends) -> None:
    ours, engine = ends
    sent = b"x" * 3_000_000

    def echo() -> None:
        while part := engine.recv(4096):
            engine.sendall(frame(1, part))

    thread = played(engine, echo)
    assert talk(ours, b"", ask(sent)) == (sent, b"")
    thread.join()


def test_a_command_may_end_without_reading(ends: Ends) -> None:
    ours, engine = ends
    engine.sendall(frame(1, b"done"))
    engine.shutdown(socket.SHUT_RD)
    thread = played(engine, lambda: None)
    assert talk(ours, b"", ask(b"y" * 3_000_000)) == (b"done", b"")
    thread.join()


@pytest.mark.parametrize("sent", [b"", b"some input"])
def test_a_command_that_says_nothing_is_not_waited_for_longer_than_asked(ends: Ends, sent: bytes) -> None:
    with pytest.raises(EngineError, match="cat in the container did not end within 0 s"):
        talk(ends[0], b"", ask(sent, timeout_s=0.05))


def test_a_command_that_goes_on_talking_is_not_waited_for_either(ends: Ends) -> None:
    ours, engine = ends
    stop = threading.Event()

    def chatter() -> None:
        while not stop.wait(0.01):
            engine.sendall(frame(1, b"tick "))

    thread = played(engine, chatter)
    with pytest.raises(EngineError, match="did not end within"):
        talk(ours, b"", ask(timeout_s=0.2))
    stop.set()
    thread.join()


@pytest.mark.parametrize("left", [b"\x01\x00", frame(1, b"half")[:-2]])
def test_an_output_that_was_cut_is_no_output(ends: Ends, left: bytes) -> None:
    ours, engine = ends
    engine.sendall(frame(1, b"whole") + left)
    engine.close()
    with pytest.raises(EngineError, match="the engine cut the command's output"):
        talk(ours, b"", ask())
