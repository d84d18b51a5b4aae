"""The guard of tests/conftest.py: it does stop a test that reaches the real world."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.conftest import REFUSED

# What pytest.fail raises is no Exception, so that product code cannot swallow it.
Failed = pytest.fail.Exception


def test_a_program_is_refused() -> None:
    with pytest.raises(Failed, match=REFUSED):
        subprocess.run([sys.executable, "-c", "pass"], check=False)


@pytest.mark.parametrize("address", [("127.0.0.1", 1), ("192.0.2.1", 80)])
def test_a_connection_is_refused(address: tuple[str, int]) -> None:
    with socket.socket() as plug, pytest.raises(Failed, match=REFUSED):
        plug.connect(address)


def test_a_connection_to_a_socket_file_is_refused() -> None:
    with socket.socket(socket.AF_UNIX) as plug, pytest.raises(Failed, match=REFUSED):
        plug.connect("/var/run/docker.sock")


def test_product_code_cannot_swallow_the_refusal() -> None:
    assert not issubclass(Failed, Exception)


@pytest.mark.real
def test_a_real_test_is_free() -> None:
    assert subprocess.run([sys.executable, "-c", "pass"], check=False).returncode == 0
