"""The line between nodes, over a pair of sockets; machines: tests/real/hosts/test_train_nodes.py."""

from __future__ import annotations

import socket
import threading
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


def node(tmp_path: Path, **more: Any) -> dict[str, Any]:
    """Return what a node is told of its line."""
    return {"rank": 0, "names": ["a", "b"], "token_file": str(tmp_path / "brought"), **more}


def test_a_token_that_does_not_come_is_waited_for_no_longer_than_the_others(tmp_path: Path) -> None:
    link = Link(node(tmp_path), join_s=0.0)
    assert len(link._token()) == 32  # which nobody else has
    assert link.missing() == "b did not come within 0 s"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_container_that_is_started_again_finds_its_token(tmp_path: Path, restarted: bool) -> None:
    kept = tmp_path / "kept"
    (tmp_path / "brought").write_bytes(TOKEN)
    about = node(tmp_path, kept_token=str(kept))
    assert Link(about)._token() == TOKEN
    assert kept.stat().st_mode & 0o777 == 0o600
    if restarted:
        (tmp_path / "brought").unlink()
    assert Link(about)._token() == TOKEN
