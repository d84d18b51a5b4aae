"""The line between nodes, over a pair of sockets; machines: tests/real/hosts/test_train_nodes.py."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envkit.probes.run_link import Link, LinkError, Peer, admit, introduce

TOKEN, OTHER = b"a" * 64, b"b" * 64


def met(ours: bytes, theirs: bytes) -> tuple[list[Any], list[Any]]:
    """Let a node that has one token knock at a door that has the other; return what each came to."""
    near, far = socket.socketpair()
    at_door: list[Any] = []
    outside: list[Any] = []

    def let_in() -> None:
        try:
            at_door.append(admit(Peer(near), ours))
        except (OSError, LinkError) as error:
            at_door.append(type(error))
        near.close()

    door = threading.Thread(target=let_in)
    door.start()
    try:
        introduce(Peer(far), theirs, 1)
    except (OSError, LinkError) as error:
        outside.append(type(error))
    far.close()
    door.join(60)
    return at_door, outside


def test_who_has_the_token_is_let_in() -> None:
    assert met(TOKEN, TOKEN) == ([1], [])


def test_who_has_another_token_is_not() -> None:
    at_door, outside = met(TOKEN, OTHER)
    assert at_door == [LinkError] and outside


def node(tmp_path: Path, port: int = 0, **more: Any) -> dict[str, Any]:
    """Return what a node is told of its line."""
    about = {"rank": 0, "names": ["a", "b"], "token_file": str(tmp_path / "brought"), "address": "127.0.0.1"}
    return {**about, "link_port": port, **more}


def a_port() -> int:
    """Return one that is free."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


def until(what: Callable[[], Any], why: str) -> None:
    """Wait for it, as long as a loaded machine may need."""
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.01)


def both(tmp_path: Path, port: int) -> tuple[Link, Link]:
    """Return both nodes' ends of the line, once they have met."""
    links = Link(node(tmp_path, port)), Link(node(tmp_path, port, rank=1))
    for link in links:
        link.start()
    until(lambda: all(link.is_complete() for link in links), "they do not meet")
    return links


def test_a_token_that_does_not_come_is_waited_for_no_longer_than_the_others(tmp_path: Path) -> None:
    link = Link(node(tmp_path), join_s=0.0)
    assert link.missing() == "nobody brought the token of the nodes' line within 0 s"
    (tmp_path / "brought").write_bytes(TOKEN)
    assert link.missing() == "b did not come within 0 s"


@pytest.mark.real
def test_the_next_attempt_meets_at_the_same_port_at_once(tmp_path: Path) -> None:
    """A door of the first that is still open would keep the second's shut, or let its nodes in."""
    (tmp_path / "brought").write_bytes(TOKEN)
    port = a_port()
    for _ in range(3):
        main, other = both(tmp_path, port)
        other.close()
        main.close()


@pytest.mark.real
def test_who_was_lost_and_comes_again_is_not_let_into_the_attempt_that_lost_it(tmp_path: Path) -> None:
    (tmp_path / "brought").write_bytes(TOKEN)
    port = a_port()
    main, other = both(tmp_path, port)
    other.close()
    until(lambda: 1 in main.lost, "its loss is not noticed")
    again = Link(node(tmp_path, port, rank=1))
    again.start()
    main.close()
    second = Link(node(tmp_path, port))
    second.start()
    until(lambda: second.is_complete() and again.is_complete(), "they do not meet")
    assert not main._peers
    for link in (again, second):
        link.close()


@pytest.mark.real
def test_a_port_that_somebody_has_is_waited_for_and_said(tmp_path: Path) -> None:
    (tmp_path / "brought").write_bytes(TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        main, other = (Link(node(tmp_path, port, rank=rank)) for rank in (0, 1))
        main.start()
        until(lambda: main._no_door, "it does not notice")
        assert main._no_door.startswith("node 0 (a) cannot listen at its port: [Errno 98]")
    other.start()
    until(lambda: main.is_complete() and other.is_complete(), "they do not meet")
    for link in (other, main):
        link.close()
