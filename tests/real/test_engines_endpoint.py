"""Every way an engine can fail to be there is a sentence with its fix: never a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

PROGRAM = str(Path(sys.executable).with_name("envkit"))
OK = b"HTTP/1.1 200 OK\r\n"
# What something answers that is no engine, and what envkit makes of it.
STRANGERS = {
    "nothing": (b"", "it broke the connection off"),
    "another protocol": (b"SSH-2.0-OpenSSH_9\r\n", "what answers there is no container engine"),
    "words": (OK + b"Content-Length: 5\r\n\r\nhello", "what answers there is no container engine"),
    "an empty object": (OK + b"Content-Length: 2\r\n\r\n{}", "what answers there is no container engine"),
    "a list": (OK + b"Content-Length: 2\r\n\r\n[]", "what answers there is no container engine"),
    "a number": (OK + b"Content-Length: 1\r\n\r\n7", "what answers there is no container engine"),
    # An engine that ends in the middle of an answer looks the same.
    "bad chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "it broke the connection off"),
    "half": (OK + b"Content-Length: 99\r\n\r\n{", "it broke the connection off"),
    "an error": (b"HTTP/1.1 500 no\r\nContent-Length: 4\r\n\r\nboom", "boom"),
}
NOWHERE = {
    "unix:///nowhere/docker.sock": "it has no socket there",
    f"unix://{Path(__file__)}": "nobody listens there",
    "tcp://127.0.0.1:1": "nobody listens there",
    "tcp://nosuch.invalid:2375": "no machine of that name is known",
    "tcp://127.0.0.1:abc": "that is no address of an engine",
    "tcp://127.0.0.1:99999": "that is no address of an engine",
    "tcp://": "that is no address of an engine",
    "tcp://[::1": "that is no address of an engine",
    "garbage": "that is no address of an engine",
    "fd://x": "that is no address of an engine",
    "npipe:////./pipe/docker_engine": "that is no address of an engine",
    "ssh://root@127.0.0.1": "envkit reaches engines over SSH by its own connection",
}


def status(address: str, *more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DOCKER_HOST": address}
    return subprocess.run(
        [PROGRAM, "engine", "status", *more], env=env, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def stranger(folder: Path, answer: bytes) -> Iterator[str]:
    """Listen at a socket and answer everything with these bytes."""
    path = folder / "s.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    plug, _ = server.accept()
                except OSError:
                    return
                with plug:
                    if answer:
                        plug.recv(4096)
                        plug.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"unix://{path}"
        server.shutdown(socket.SHUT_RDWR)


def check(done: subprocess.CompletedProcess[str], part: str) -> None:
    assert done.returncode == 5 and done.stdout == ""
    assert part in done.stderr and "\n  fix: " in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_is_told_from_an_engine(name: str, tmp_path: Path) -> None:
    answer, part = STRANGERS[name]
    with stranger(tmp_path, answer) as address:
        check(status(address), part)


@pytest.mark.parametrize("address", NOWHERE)
def test_an_address_without_an_engine_is_told(address: str) -> None:
    check(status(address), NOWHERE[address])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user who may not")
def test_a_user_who_may_not_is_told_how() -> None:
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM, "engine", "status"]
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    check(done, "this user may not talk to it")
    assert "sudo usermod -aG docker $USER" in done.stderr


def test_json_says_that_none_answers() -> None:
    done = status("unix:///nowhere/docker.sock", "--json")
    assert done.returncode == 5 and '"answers": false' in done.stdout
    assert "it has no socket there" in done.stdout
