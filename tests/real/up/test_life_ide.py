"""A life with a real image: a killed service comes back, a dying one is named, and logs tell which spoke."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from envkit.environment.lookup import require
from envkit.environment.reading import ReadRequest, read_log
from envkit.environment.states import Environment, describe
from envkit.environment.target import find_image
from envkit.environment.up import Site, UpRequest, up
from envkit.plan.run_plan import RunOptions
from tests.real.up.conftest import ME, Inside

pytestmark = pytest.mark.real


@pytest.fixture
def running(site: Site, name: str, image: str) -> str:
    """The name of an environment with both IDEs."""
    asked = UpRequest(image=find_image(site.engine, image), options=RunOptions(name=name), caller=ME)
    up(site, asked, lambda line: None)
    return name


def until(site: Site, name: str, wanted: Callable[[Environment], bool]) -> Environment:
    """Look until it is as wanted."""
    deadline = time.monotonic() + 240
    while not wanted(found := describe(site.engine, require(site.engine, name))):
        assert time.monotonic() < deadline, found
        time.sleep(1)
    return found


# Not `entry.js`: the killer's own words hold that.
KILL = (
    r'for one in /proc/[0-9]*; do grep -qas "out/node/entry[.]js" $one/cmdline && kill -9 ${one#/proc/}; done'
)


def test_a_killed_code_server_comes_back_and_one_that_keeps_dying_is_unhealthy(
    site: Site, running: str, inside: Inside
) -> None:
    first = until(site, running, lambda one: one.state == "running")
    inside("sh", "-c", f"{KILL}; true")
    before = first.services["code-server"]["pid"]
    until(
        site,
        running,
        lambda one: one.state == "running" and one.services["code-server"]["pid"] != before,
    )
    inside("sh", "-c", f"(while sleep 0.3; do {KILL}; done) >/dev/null 2>&1 &")
    found = until(site, running, lambda one: one.state == "unhealthy")
    assert found.reason.startswith("code-server is FATAL")
    assert found.services["jupyterlab"]["answers"]


def test_the_log_tells_which_service_spoke(site: Site, running: str) -> None:
    def lines(service: str) -> list[bytes]:
        batches = read_log(site.engine, running, ReadRequest(service=service), print)
        return [line.text for batch in batches for line in batch]

    assert any(b"ServerApp" in line for line in lines("jupyterlab"))
    assert any(b"HTTP server listening" in line for line in lines("code-server"))
    assert not any(b"ServerApp" in line for line in lines("code-server"))
