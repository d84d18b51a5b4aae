"""What all tests share: a fast test that reaches the real world fails at once, with a sentence."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost
from envkit.image.base import find_base
from tests.once import made_once

DEBIAN = "debian:12"
# A shell starts what it puts into the background with Ctrl-C ignored, and programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

REFUSED = "this test reached the real world: use a fake, or mark it `real`"


@pytest.fixture(autouse=True)
def no_real_world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse programs and connections to every test that is not marked `real` or `long`."""
    if request.node.get_closest_marker("real") or request.node.get_closest_marker("long"):
        return

    def refuse(what: object, *_args: object, **_kwargs: object) -> None:
        if isinstance(what, socket.socket):
            what.close()
        pytest.fail(REFUSED)

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a test's logs out of the user's own: only so many of those are kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def debian() -> str:
    """The base of the real tests, brought as a build brings it: here, pulled, or made from packages."""
    with made_once("base"):
        find_base(DEBIAN, connect(LocalHost()), LocalHost(), lambda line: None)
    return DEBIAN
