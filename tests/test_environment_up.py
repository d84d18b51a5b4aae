"""`up` in memory: what is made, found, refused, and what stays after a failure."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from envkit.container.wait import NotReady
from envkit.engines.failures import PortTaken
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecResult, Mount, Tmpfs
from envkit.environment import up as up_module
from envkit.environment.up import UpRequest, plan_up, up
from envkit.errors import EngineError, EnvkitError, UsageError
from envkit.plan.run_plan import RunImage
from tests.environments import Door, a_request, a_site, image


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second pass at each look at the clock, so that a time-out takes no time."""
    clock = iter(range(1_000_000))
    for module in ("envkit.environment.lease", "envkit.container.wait"):
        monkeypatch.setattr(f"{module}.time.sleep", lambda seconds: None)
        monkeypatch.setattr(f"{module}.time.monotonic", lambda: float(next(clock)))


def silent(_line: str) -> None:
    """Hear a report and say nothing."""


def only(engine: FakeEngine) -> ContainerFacts:
    [facts] = engine.containers.find({})
    return facts


def lasting(**options: object) -> UpRequest:
    """Ask with patience for a clock that runs a second at each look."""
    return replace(a_request(**options), timeout_s=1000)


def test_the_container_is_what_the_plan_says() -> None:
    site, engine, host = a_site(Door())
    opened = up(site, lasting(port=20_123), silent)
    made = engine.containers.requests[only(engine).id]
    assert (made.name, made.user, made.groups, made.restart) == (
        "envkit-lab",
        "1000:100",
        ("0",),
        "unless-stopped",
    )
    assert made.mounts == (
        Mount(source="/data/home", target="/work/home"),
        Mount(source="/data/cache", target="/work/cache"),
    )
    assert made.tmpfs == (Tmpfs(target="/run/secrets", mode=0o700, uid=1000, gid=100),)
    assert [(port.address, port.host_port, port.container_port) for port in made.ports] == [
        ("127.0.0.1", 20_123, 8888)
    ]
    assert made.shm_mib == 8000
    assert (opened.name, opened.port, opened.token) == ("lab", 20_123, "t1")
    assert [words[-1] for words in host.heard if words[0] == "install"] == ["/data/home", "/data/cache"]


def test_the_account_is_there_before_the_container_starts() -> None:
    site, engine, _ = a_site(Door())
    up(site, lasting(), silent)
    assert engine.inside.get("envkit-lab", "/etc/passwd") == b"ada:x:1000:100:ada:/work/home:/bin/bash\n"


def test_asking_again_finds_it_and_starts_what_was_stopped() -> None:
    site, engine, _ = a_site(Door())
    first = up(site, lasting(), silent)
    before = only(engine)
    engine.containers.stop(before.id, 1)
    assert up(site, lasting(), silent) == first
    assert (only(engine).id, only(engine).state) == (before.id, "running")


def test_asking_for_something_else_is_refused_and_changes_nothing() -> None:
    site, engine, _ = a_site(Door())
    up(site, lasting(), silent)
    before = only(engine)
    with pytest.raises(UsageError) as caught:
        up(site, lasting(home="/data/other"), silent)
    assert caught.value.what == (
        "environment lab is there already, and it is not what you ask for:\n"
        "    home: it has /data/home, asked for is /data/other"
    )
    assert caught.value.fix == "another --name, or `envkit rm lab` first (/work/home stays)"
    assert only(engine) == before


def test_a_dry_run_changes_nothing() -> None:
    site, engine, host = a_site(Door())
    assert plan_up(site, a_request()).name == "lab"
    assert engine.containers.find({}) == ()
    assert {words[0] for words in host.heard} == {"realpath"}


def test_no_url_before_vscode_has_answered() -> None:
    site, engine, _ = a_site(Door(vscode=502))
    with pytest.raises(
        NotReady, match="environment lab: VS Code opens behind the login: not after"
    ) as caught:
        up(site, lasting(), silent)
    assert "--timeout SECONDS" in caught.value.fix
    assert engine.containers.find({}) == ()


def test_a_door_that_opens_to_everybody_is_never_ready() -> None:
    site, engine, _ = a_site(Door())
    with pytest.raises(NotReady, match="JupyterLab answers at the door"):
        up(replace(site, ask=lambda port, path, token: 200), a_request(), silent)
    assert engine.containers.find({}) == ()


def test_a_failure_leaves_what_was_there_before() -> None:
    door = Door()
    site, engine, _ = a_site(door)
    up(site, lasting(), silent)
    door.vscode = 502
    with pytest.raises(NotReady):
        up(site, lasting(), silent)
    assert only(engine).state == "running"


def test_a_container_that_ends_is_quoted_with_its_secrets_masked() -> None:
    site, engine, _ = a_site(Door(token="never"))
    engine.containers.endings[("ide",)] = (3, b"\x1b[31mtrouble\x1b[0m\ntoken=abc\n")
    shut = replace(site, ask=lambda port, path, token: None)
    with pytest.raises(NotReady) as caught:
        up(shut, lasting(), silent)
    assert caught.value.what == (
        "environment lab: JupyterLab answers at the door: "
        "the container ended with exit code 3; its last lines:\n"
        "    trouble\n"
        "    token=***"
    )
    assert engine.containers.find({}) == ()


def test_a_port_lost_in_between_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    site, engine, _ = a_site(Door())
    engine.containers.busy_ports = {20_001}
    ports = (20_001, 20_002, 20_003)
    monkeypatch.setattr(
        up_module, "free_ports", lambda name, avoid, count: tuple(port for port in ports if port not in avoid)
    )
    said: list[str] = []
    assert up(site, lasting(), said.append).port == 20_002
    assert said[0] == "port 20001 was taken in between: trying another"
    assert only(engine).ports == {8888: ("127.0.0.1", 20_002)}


def test_a_port_that_was_asked_for_is_never_replaced() -> None:
    site, engine, _ = a_site(Door())
    engine.containers.busy_ports = {20_001}
    with pytest.raises(PortTaken, match=r"^port 20001 is in use$") as caught:
        up(site, lasting(port=20_001), silent)
    assert caught.value.fix == "leave --port out and a free one is taken; `sudo ss -ltnp` tells who has it"
    assert engine.containers.find({}) == ()


def test_a_port_of_another_environment_is_said_to_be_its() -> None:
    site, _, _ = a_site(Door())
    up(site, lasting(port=20_001), silent)
    with pytest.raises(PortTaken, match=r"^port 20001 is in use by environment lab$"):
        up(site, lasting(name="other", port=20_001), silent)


def test_a_port_of_a_program_is_said_to_be_its() -> None:
    site, engine, host = a_site(Door())
    engine.containers.busy_ports = {20_001}
    host.answers = {**host.answers, "ss": 'LISTEN 0 5 127.0.0.1:20001 users:(("python3",pid=4711,fd=3))\n'}
    with pytest.raises(PortTaken, match=r"^port 20001 is in use by python3 \(process 4711\)$"):
        up(site, lasting(port=20_001), silent)


def test_a_taken_port_is_told_before_anything_is_made() -> None:
    site, engine, host = a_site(Door())
    host.answers = {**host.answers, "ss": 'LISTEN 0 5 127.0.0.1:20001 users:(("nginx",pid=7,fd=3))\n'}
    with pytest.raises(PortTaken, match=r"^port 20001 is in use by nginx \(process 7\)$"):
        plan_up(site, lasting(port=20_001))
    assert (engine.containers.requests, [words[0] for words in host.heard]) == ({}, ["ss", "ss"])


def test_a_cache_of_its_own_goes_when_the_environment_does_not_come_up() -> None:
    site, engine, host = a_site(Door(vscode=500))
    host.answers = {**host.answers, "stat": "41c0 1000 100\n", "rmdir": ""}
    with pytest.raises(NotReady):
        up(site, replace(a_request(own_cache=True), timeout_s=5), silent)
    assert engine.containers.find({}) == ()
    assert host.heard[-1] == ("rmdir", "--", "/data/cache-of/lab")


def test_an_engine_that_may_not_lift_limits_is_asked_again_without() -> None:
    site, engine, _ = a_site(Door())
    engine.containers.lifts_limits = False
    said: list[str] = []
    opened = up(site, lasting(), said.append)
    assert engine.containers.requests[only(engine).id].limits == ()
    assert "may not lift limits" in said[0]
    assert up(site, lasting(), silent) == opened


def test_a_kept_port_that_is_taken_is_named_and_the_environment_stays() -> None:
    site, engine, _ = a_site(Door())
    up(site, lasting(port=20_001), silent)
    engine.containers.stop("envkit-lab", 1)
    engine.containers.busy_ports = {20_001}
    with pytest.raises(PortTaken, match="port 20001, which environment lab has kept, is in use"):
        up(site, lasting(), silent)
    assert only(engine).state == "exited"


def test_ports_of_stopped_environments_are_left_to_them() -> None:
    site, engine, _ = a_site(Door())
    port = up(site, lasting(), silent).port
    engine.containers.stop("envkit-lab", 1)
    engine.containers.remove("envkit-lab")
    assert up(site, lasting(), silent).port == port
    engine.containers.stop("envkit-lab", 1)
    assert plan_up(site, a_request(name="other")).port != port


def test_what_an_interrupted_up_left_is_finished() -> None:
    site, engine, _ = a_site(Door())
    up(site, lasting(), silent)
    engine.containers.set_state("envkit-lab", "created")
    before = only(engine).id
    said: list[str] = []
    up(site, lasting(), said.append)
    assert (only(engine).id, only(engine).state) == (before, "running")
    assert said[0].startswith("environment lab is being made by ")


@pytest.mark.parametrize("state", ["paused", "dead", "restarting"])
def test_a_container_that_cannot_go_on_is_named(state: str) -> None:
    site, engine, _ = a_site(Door())
    up(site, lasting(), silent)
    engine.containers.set_state("envkit-lab", state, 1)
    with pytest.raises(EnvkitError, match=f"cannot go on: its container is {state}"):
        up(site, lasting(), silent)
    assert only(engine).state == state


def test_a_name_that_a_foreign_container_has_is_left_to_it() -> None:
    site, engine, _ = a_site(Door())
    up(site, lasting(), silent)
    foreign = only(engine)
    engine.containers.remove(foreign.id)
    engine.containers.add(replace(foreign, labels={}))
    with pytest.raises(EngineError, match="the container envkit-lab is not envkit's"):
        up(site, lasting(), silent)
    assert only(engine).labels == {}


def test_the_own_door_is_waited_for_and_told_with_its_password() -> None:
    door = Door()
    site, engine, _ = a_site(door)
    expect = json.dumps({"services": ["jupyterlab", "code-server"], "own_door": True})
    doored = engine.images.add(image(**{"io.envkit.expect": expect}))
    engine.inside.scripts[("cat", "/run/secrets/code_server_password")] = ExecResult(
        code=0, stdout=b"p1", stderr=b""
    )
    asked = replace(lasting(), image=RunImage(reference="lab:dev", id=doored.id, labels=doored.labels))
    opened = up(site, asked, silent)
    doors = only(engine).ports
    assert opened.urls.own_door == f"http://127.0.0.1:{doors[8080][1]}/"
    assert opened.own_door_password == "p1"
    assert doors[8080][1] != doors[8888][1]
    door.own = None
    with pytest.raises(NotReady, match="VS Code answers at its own door"):
        up(site, asked, silent)
