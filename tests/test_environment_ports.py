"""Ports for environments."""

from __future__ import annotations

import socket

from envkit.environment.ports import candidates, free_ports, is_free


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
