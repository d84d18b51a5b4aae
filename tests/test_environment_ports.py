"""Ports for environments."""

from __future__ import annotations

import socket
from pathlib import Path

from envkit.environment.ports import candidates, free_ports, is_free, taken_there
from tests.environments import TalkingHost


def listening() -> socket.socket:
    server = socket.create_server(("127.0.0.1", 0))
    server.listen()
    return server


def test_every_port_is_tried_once_and_none_belongs_to_others() -> None:
    ports = list(candidates("cpu"))
    assert sorted(ports) == list(range(20_000, 30_000))


def test_a_name_keeps_its_first_port() -> None:
    assert next(candidates("cpu")) == next(candidates("cpu")) != next(candidates("gpu"))


def test_a_port_that_is_listened_at_is_not_free() -> None:
    with listening() as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_what_is_to_be_avoided_is_not_offered() -> None:
    first, second, third = free_ports("cpu", avoid=(), count=3)
    assert free_ports("cpu", avoid=(first,), count=2) == (second, third)


class There(TalkingHost):
    """A machine over SSH with two listeners: 127.0.0.1:20001, and [::]:20002."""

    def forward(self, address: str) -> Path:
        raise NotImplementedError

    def read(self, path: Path) -> bytes | None:
        row = b"   0: %s 00000000:0000 %s 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n"
        if path == Path("/proc/net/tcp"):
            return (
                b"  sl  local_address\n" + row % (b"0100007F:4E21", b"0A") + row % (b"0100007F:4E23", b"01")
            )
        return row % (bytes(32).replace(b"\0", b"0") + b":4E22", b"0A") if path.name == "tcp6" else None


def test_the_listeners_of_another_machine_are_read_there() -> None:
    assert taken_there(There()) == {20_001, 20_002}
    assert taken_there(TalkingHost()) == frozenset()
