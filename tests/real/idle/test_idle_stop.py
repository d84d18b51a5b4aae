"""An environment stops itself when nobody uses it, and not while anybody does: the real image, real use."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from envkit.environment.idle import keep
from envkit.environment.ready import Opened
from envkit.environment.states import Environment
from tests.real.idle.conftest import IDLE_S, Idler

pytestmark = pytest.mark.real

BUSY_CELL = """
import sys, jupyter_client
client = jupyter_client.BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(timeout=30)
client.execute("import time; time.sleep(20)")
"""


@pytest.fixture
def opened(idler: Idler) -> Opened:
    """The one environment, also after a test that let it stop."""
    return idler.up()


@contextmanager
def terminal(idler: Idler) -> Iterator[socket.socket]:
    """Open a shell in a terminal, as `docker exec -it` does."""
    api = idler.engine.api
    made = api.exec_create(idler.container.id, ["bash", "--norc"], tty=True, stdin=True)
    spoken = api.exec_start(made["Id"], tty=True, socket=True)
    stream = spoken._sock
    stream.settimeout(0.5)
    yield stream
    spoken.close()
    stream.close()


def printed(stream: socket.socket) -> str:
    """Return what the terminal shows and has not been read."""
    text = b""
    try:
        while chunk := stream.recv(65536):
            text += chunk
    except TimeoutError:
        pass
    return text.decode("utf-8", "replace")


def test_a_busy_kernel_keeps_it(idler: Idler, opened: Opened) -> None:
    kernel = idler.ask(opened, "api/kernels", b"{}")["id"]
    connection = f"/run/secrets/jupyter/kernel-{kernel}.json"  # it holds the kernel's key
    idler.start("/opt/envkit/jupyter/bin/python", "-c", BUSY_CELL, connection)
    idler.wait(lambda _: any(one.name == "kernels" and one.active for one in idler.explain().signals))
    idler.stays("kernels")


def test_a_program_in_a_terminal_keeps_it_and_a_prompt_does_not(idler: Idler, opened: Opened) -> None:
    with terminal(idler) as stream:
        stream.sendall(b"sleep 600\n")
        idler.wait(lambda _: any(one.name == "terminals" and one.active for one in idler.explain().signals))
        idler.stays("terminals")
        stream.sendall(b"\x03")
        idler.wait(lambda state: state.state == "idle")


def test_a_key_at_a_prompt_calls_off_the_announced_end(slow_idler: Idler) -> None:
    slow_idler.up()
    with terminal(slow_idler) as stream:
        slow_idler.wait(lambda state: state.state == "idle")

        def wakes(state: Environment) -> bool:
            assert state.state != "stopped", state
            stream.sendall(b"\n")
            return state.state == "running"

        slow_idler.wait(wakes)
        said = printed(stream)
        announced = r"\[envkit\] nobody uses this environment: it stops in \d+ s \(press a key"
        assert re.search(announced, said), said


def test_a_browser_at_vscode_keeps_it(idler: Idler, opened: Opened, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(opened.urls.vscode or "")
    page.locator(".monaco-workbench").wait_for(timeout=60_000)
    idler.stays("vscode")
    page.close()


def test_a_program_that_computes_keeps_it(idler: Idler, opened: Opened) -> None:
    idler.start("timeout", "20", "sh", "-c", "while :; do :; done")
    time.sleep(1)
    idler.stays("cpu")


def test_kept_it_outlives_its_time(idler: Idler, opened: Opened) -> None:
    keep(idler.site.engine, idler.name, 3600)
    time.sleep(1.3 * IDLE_S)
    state = idler.state()
    assert (state.state, state.reason[:9]) == ("running", "kept for ")
    assert idler.explain().kept_s > 3500
    keep(idler.site.engine, idler.name, 0)


def test_unused_it_says_so_stops_and_stays_stopped(idler: Idler, opened: Opened) -> None:
    state = idler.wait(lambda state: state.state == "idle")
    assert re.fullmatch(r"nobody uses it: stops in \d+ s", state.reason)
    state = idler.wait(lambda state: state.state == "stopped")
    assert re.fullmatch(r"idle for \d+ s", state.reason)
    container = idler.container
    container.reload()
    assert (container.attrs["State"]["ExitCode"], container.attrs["RestartCount"]) == (0, 0)
    logs = container.logs().decode()
    assert "envkit: nobody uses this environment: it stops in" in logs
    time.sleep(2)  # the engine would start it again within 100 ms
    assert idler.state().state == "stopped"


def test_up_brings_it_back(idler: Idler) -> None:
    idler.up()
    state = idler.state()
    assert (state.state, state.reason) == ("running", "")
