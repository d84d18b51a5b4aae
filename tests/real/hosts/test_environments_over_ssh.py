"""Environments of a host over SSH: both ways to its engine, and what happens when the line drops."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.failures import NoEngine
from envkit.engines.values import ExecRequest
from envkit.environment.ending import loss, remove, stop
from envkit.environment.lookup import require
from envkit.environment.states import environments
from envkit.environment.up import Site, UpRequest, up
from envkit.errors import EnvkitError, HostError
from envkit.hosts.ssh import SshHost
from tests.sshd import Sshd

pytestmark = pytest.mark.real

BOTH = pytest.mark.parametrize("transport", ["openssh", "paramiko"])
Serve = Callable[..., Sshd]
Reach = Callable[..., SshHost]
PlaceAt = Callable[[str], tuple[Site, Sshd]]
Request = Callable[..., UpRequest]


@BOTH
def test_an_environment_lives_on_a_host(
    place_at: PlaceAt, request_for: Request, name: str, transport: str
) -> None:
    site, _ = place_at(transport)
    said: list[str] = []
    opened = up(site, request_for(site), said.append)
    assert said == [f"environment {name} started: waiting for its IDEs"]
    assert up(site, request_for(site), said.append) == opened
    assert [one.state for one in environments(site.engine) if one.name == name] == ["running"]
    assert Path(opened.home).is_dir()
    stop(site.engine, name)
    assert require(site.engine, name).state == "exited"
    remove(site.engine, loss(site.engine, name))
    assert site.engine.containers.find({"io.envkit.environment": name}) == ()


@BOTH
def test_a_large_input_and_output_pass_through_the_engine_s_socket(
    serve: Serve, reach: Reach, docker: Engine, name: str, transport: str
) -> None:
    from envkit.engines.values import RunRequest
    from tests.real.hosts.conftest import IMAGE

    engine = connect(reach(serve(), transport))
    made = engine.containers.create(
        RunRequest(
            image=IMAGE,
            name=f"envkit-{name}",
            entrypoint=("sleep", "60"),
            labels={"io.envkit.environment": name},
        )
    )
    engine.containers.start(made)
    content = bytes(range(256)) * 20_000
    assert engine.inside.execute(made, ExecRequest(command=("cat",), stdin=content)).stdout == content


@BOTH
def test_a_question_survives_a_line_that_drops(serve: Serve, reach: Reach, transport: str) -> None:
    server = serve()
    engine = connect(reach(server, transport))
    for _ in range(3):
        assert server.cut() >= 1
        assert engine.facts().version


@BOTH
def test_a_line_that_drops_in_the_middle_of_up_leaves_what_the_next_up_finishes(
    place_at: PlaceAt, request_for: Request, name: str, transport: str
) -> None:
    site, server = place_at(transport)
    cuts = [threading.Timer(after_s, server.cut) for after_s in (0.3, 0.8, 1.5, 2.5)]
    for cut in cuts:
        cut.start()
    try:
        up(site, request_for(site), lambda line: None)
    except EnvkitError as error:
        assert error.fix  # one of ours, with what to do
    finally:
        for cut in cuts:
            cut.join()
    assert up(site, request_for(site), lambda line: None).name == name
    assert len(site.engine.containers.find({"io.envkit.environment": name})) == 1


@BOTH
def test_a_host_without_an_engine_says_so(serve: Serve, reach: Reach, transport: str, tmp_path: Path) -> None:
    server = serve(SetEnv=f"DOCKER_HOST=unix://{tmp_path}/gone.sock")
    with pytest.raises(
        NoEngine, match="the container engine of box does not answer: nobody answers there at"
    ):
        connect(reach(server, transport))


def test_nothing_stays_when_a_host_is_closed(serve: Serve, reach: Reach) -> None:
    server = serve()
    host = reach(server, "openssh")
    path = host.forward("/var/run/docker.sock")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    host.close()
    assert not path.parent.exists()
    for _ in range(100):
        if not server.sessions():
            break
        time.sleep(0.05)
    assert server.sessions() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a full filesystem")
@pytest.mark.parametrize(("options", "reason"), [("nr_inodes=1", "No space left"), ("ro", "Read-only")])
def test_a_host_whose_disk_takes_nothing_says_so_before_anything_is_created(
    place_at: PlaceAt, request_for: Request, tmp_path: Path, options: str, reason: str
) -> None:
    site, _ = place_at("openssh")
    full = tmp_path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(full)], check=True, timeout=30)
    try:
        request = request_for(site, home=str(full / "home"))
        with pytest.raises(HostError, match=f"{full}/home cannot be made: .*{reason}") as caught:
            up(site, request, lambda line: None)
        assert caught.value.fix == "choose another folder"
        name = request.options.name or ""
        assert site.engine.containers.find({"io.envkit.environment": name}) == ()
    finally:
        subprocess.run(["umount", str(full)], check=True, timeout=30)
