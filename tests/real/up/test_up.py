"""`up` and its family on the real engine."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
from pathlib import Path

import pytest

from envkit.environment import ending
from envkit.environment.states import environments
from envkit.environment.up import Site, plan_up, up
from envkit.errors import UsageError
from envkit.plan.run_plan import Caller
from tests.real.up.conftest import Containers, Inside, Request

pytestmark = pytest.mark.real

ROOT = Caller(uid=0, gid=0, name="root")
ADA = Caller(uid=1000, gid=1000, name="ada")
GRACE = Caller(uid=1234567, gid=1234567, name="grace")


def silent(_line: str) -> None:
    """Hear a report and say nothing."""


def status(port: int, path: str) -> int:
    """GET a path of this machine without any token."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


@pytest.mark.parametrize("caller", [ROOT, ADA, GRACE], ids=["0", "1000", "1234567"])
def test_files_in_the_home_belong_to_whoever_called(
    site: Site, request_for: Request, inside: Inside, caller: Caller
) -> None:
    opened = up(site, request_for(caller), silent)
    inside("sh", "-c", "touch ~/made /work/cache/made")
    for folder in (Path(opened.home), Path(opened.cache)):
        for path in (folder, folder / "made"):
            assert (path.stat().st_uid, path.stat().st_gid) == (caller.uid, caller.gid)
        assert folder.stat().st_mode & 0o7777 == 0o700


@pytest.mark.parametrize("caller", [ROOT, ADA, GRACE], ids=["0", "1000", "1234567"])
def test_any_caller_has_an_account_that_leads_home(
    site: Site, request_for: Request, inside: Inside, caller: Caller
) -> None:
    up(site, request_for(caller), silent)
    account = inside("perl", "-e", "print join ' ', (getpwuid $<)[0, 2, 3, 7, 8]")
    assert account == f"{caller.name} {caller.uid} {caller.gid} /work/home /bin/bash"
    assert "0" in inside("id", "-G").split()


def test_the_door_is_shut_to_who_has_no_token(site: Site, name: str, request_for: Request) -> None:
    opened = up(site, request_for(), silent)
    assert status(opened.port, f"/env/{name}/api/status") == 403
    assert status(opened.port, f"/env/{name}/vscode/") == 302


def test_secrets_lie_in_memory_and_nowhere_else(
    site: Site, name: str, request_for: Request, inside: Inside
) -> None:
    opened = up(site, request_for(GRACE), silent)
    assert inside("stat", "-c", "%a %u:%g", "/run/secrets").split() == ["700", "1234567:1234567"]
    assert "tmpfs /run/secrets tmpfs " in inside("cat", "/proc/mounts")
    words = ("docker", "inspect", f"envkit-{name}")
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    told += site.engine.inside.logs(f"envkit-{name}").decode()
    told += json.dumps([str(one) for one in environments(site.engine)]) + repr(opened)
    assert opened.token not in told


def test_asking_again_finds_it(site: Site, request_for: Request, containers: Containers) -> None:
    first = up(site, request_for(), silent)
    [before] = containers()
    assert up(site, request_for(), silent) == first
    assert [facts.id for facts in containers()] == [before.id]


def test_asking_for_something_else_says_what_differs_and_touches_nothing(
    site: Site, request_for: Request, tmp_path: Path
) -> None:
    opened = up(site, request_for(home=str(tmp_path / "one")), silent)
    with pytest.raises(UsageError) as caught:
        up(site, request_for(home=str(tmp_path / "two"), shm_mib=100), silent)
    lines = caught.value.what.splitlines()
    assert lines[1] == f"    home: it has {tmp_path}/one, asked for is {tmp_path}/two"
    assert lines[2].endswith("asked for is 100")
    assert not (tmp_path / "two").exists()
    assert up(site, request_for(), silent) == opened


def test_stop_and_up_keep_the_port_and_change_the_token(site: Site, name: str, request_for: Request) -> None:
    first = up(site, request_for(), silent)
    ending.stop(site.engine, name)
    states = [(one.state, one.reason) for one in environments(site.engine) if one.name == name]
    assert states == [("stopped", "")]
    ending.stop(site.engine, name)
    again = up(site, request_for(), silent)
    assert again.port == first.port
    assert again.token != first.token


def test_rm_takes_the_container_and_leaves_the_home(
    site: Site, name: str, request_for: Request, containers: Containers, inside: Inside
) -> None:
    opened = up(site, request_for(), silent)
    inside("sh", "-c", "echo work >~/kept; head -c 300000 /dev/zero >/tmp/lost")
    lost = ending.loss(site.engine, name)
    assert lost.environment.state == "running"
    assert 300_000 <= lost.written_bytes < 600_000
    ending.remove(site.engine, lost)
    ending.remove(site.engine, lost)
    assert containers() == ()
    assert Path(opened.home, "kept").read_text() == "work\n"


def test_an_unknown_name_is_answered_with_near_ones(site: Site, name: str, request_for: Request) -> None:
    up(site, request_for(), silent)
    for ask in (ending.stop, ending.loss):
        with pytest.raises(UsageError) as caught:
            ask(site.engine, name + "x")
        assert (caught.value.exit_code, caught.value.fix) == (2, f"did you mean {name}?")


def test_a_dry_run_makes_nothing(site: Site, request_for: Request, containers: Containers) -> None:
    assert plan_up(site, request_for()).home == site.home
    assert containers() == ()
    assert not Path(site.home).exists()
