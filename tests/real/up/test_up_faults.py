"""What goes wrong while an environment comes up is told apart by name, and nothing stays behind."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.container.temporary import running
from envkit.container.wait import NotReady
from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.failures import PortTaken
from envkit.engines.values import RunRequest
from envkit.environment import ending
from envkit.environment import up as up_module
from envkit.environment.ready import Opened
from envkit.environment.up import Site, up
from envkit.errors import EngineError, UsageError
from envkit.hosts.local import LocalHost
from tests.real.up.conftest import IMAGE, Containers, Inside, Request

pytestmark = pytest.mark.real


def silent(_line: str) -> None:
    """Hear a report and say nothing."""


def broken(site: Site, how: str) -> None:
    """Prepare a home that breaks the stand-in image (stand_in/entrypoint)."""
    Path(site.home).mkdir()
    Path(site.home, how).touch()


def test_an_image_that_ends_at_once_is_quoted_and_leaves_nothing(
    site: Site, request_for: Request, containers: Containers
) -> None:
    broken(site, "break-at-start")
    with pytest.raises(NotReady) as caught:
        up(site, request_for(), silent)
    assert "JupyterLab answers at the door: the container ended with exit code 3" in caught.value.what
    assert "    the last words of a broken image, token=***" in caught.value.what
    assert containers() == ()


def test_vscode_that_never_answers_is_named_and_leaves_nothing(
    site: Site, request_for: Request, containers: Containers
) -> None:
    broken(site, "break-vscode")
    with pytest.raises(NotReady) as caught:
        up(site, replace(request_for(), timeout_s=2), silent)
    assert "VS Code opens behind the login: not after" in caught.value.what
    assert caught.value.what.endswith("code-server is FATAL")
    assert containers() == ()


def test_ctrl_c_while_waiting_leaves_nothing(
    site: Site, request_for: Request, containers: Containers
) -> None:
    def interrupt(port: int, path: str, token: str | None) -> int | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        up(replace(site, ask=interrupt), request_for(), silent)
    assert containers() == ()


def test_a_port_lost_between_look_and_start_is_replaced(
    site: Site, request_for: Request, containers: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = up_module.free_ports
    with socket.create_server(("127.0.0.1", 0)) as other:
        lost = other.getsockname()[1]

        def too_early(name: str, avoid: set[int], count: int) -> tuple[int, ...]:
            return look(name, avoid, count) if lost in avoid else (lost, lost + 1)

        monkeypatch.setattr(up_module, "free_ports", too_early)
        said: list[str] = []
        opened = up(site, request_for(), said.append)
    assert said[0] == f"port {lost} was taken in between: trying another"
    assert opened.port != lost
    assert len(containers()) == 1


def test_a_port_that_the_user_wants_and_somebody_has_is_an_error(
    site: Site, request_for: Request, containers: Containers
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTaken):
        up(site, request_for(port=other.getsockname()[1]), silent)
    assert containers() == ()


def test_a_kept_port_that_somebody_took_meanwhile_is_named(
    site: Site, name: str, request_for: Request
) -> None:
    port = up(site, request_for(), silent).port
    ending.stop(site.engine, name)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match=f"port {port}, which"):
        up(site, request_for(), silent)
    assert up(site, request_for(), silent).port == port


def test_three_at_once_get_one_environment(site: Site, request_for: Request, containers: Containers) -> None:
    opened: list[Opened] = []

    def one() -> None:
        opened.append(up(replace(site, engine=connect(LocalHost())), request_for(), silent))

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 3
    assert opened[0] == opened[1] == opened[2]
    assert len(containers()) == 1


def test_a_foreign_container_of_that_name_is_left_alone(site: Site, name: str, request_for: Request) -> None:
    foreign = ("docker", "create", "--name", f"envkit-{name}", "--label", "io.envkit.test=up", IMAGE, "true")
    subprocess.run(foreign, check=True, capture_output=True)
    try:
        with pytest.raises(EngineError, match="is not envkit's"):
            up(site, request_for(), silent)
        with pytest.raises(UsageError, match="there is no environment"):
            ending.stop(site.engine, name)
        assert site.engine.containers.inspect(f"envkit-{name}") is not None
    finally:
        subprocess.run(("docker", "rm", f"envkit-{name}"), check=True, capture_output=True)


KILLED = """
import os, sys
from envkit.engines.docker import connect
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest, up
from envkit.hosts.local import LocalHost
from envkit.plan.run_plan import Caller, RunOptions

point, name, folder = sys.argv[1:]
part, method, when = point.split()
engine = connect(LocalHost())
owner = getattr(engine, part)
real = getattr(owner, method)

def dies(*words, **more):
    if when == "after":
        real(*words, **more)
    os._exit(9)

setattr(owner, method, dies)
site = Site(engine=engine, host=LocalHost(), home=folder + "/home", cache=folder + "/cache")
me = Caller(uid=1234567, gid=1234567, name="grace")
image = find_image(engine, "envkit-test-up:dev")
up(site, UpRequest(image=image, options=RunOptions(name=name), caller=me), lambda line: None)
"""


@pytest.mark.parametrize(
    "point",
    [
        "containers create before",
        "containers create after",
        "inside put before",
        "inside put after",
        "containers start after",
        "inside execute before",
    ],
)
def test_up_killed_at_any_point_goes_on_when_run_again(
    site: Site, name: str, request_for: Request, inside: Inside, point: str
) -> None:
    from tests.real.up.test_up import GRACE

    folder = str(Path(site.home).parent)
    killed = subprocess.run((sys.executable, "-c", KILLED, point, name, folder), check=False, timeout=60)
    assert killed.returncode == 9
    up(site, request_for(GRACE), silent)
    assert inside("grep", "-c", "^grace:", "/etc/passwd").strip() == "1"


@pytest.mark.parametrize("failing", [False, True])
def test_a_temporary_container_is_gone_afterwards(docker: Engine, failing: bool) -> None:
    labels = {"io.envkit.test": "up-temporary"}
    asked = RunRequest(image=IMAGE, entrypoint=("sleep",), command=("60",), labels=labels)
    try:
        with running(docker, asked) as container:
            [facts] = docker.containers.find({"io.envkit.kind": "temporary", **labels})
            assert (facts.id, facts.state) == (container, "running")
            if failing:
                raise ZeroDivisionError
    except ZeroDivisionError:
        assert failing
    assert docker.containers.find(labels) == ()
