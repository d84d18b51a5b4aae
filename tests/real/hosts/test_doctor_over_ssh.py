"""`envkit doctor --host` and `envkit host test` share their checks, and see the host's own faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from envkit.doctor import examine, host
from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.hosts.ssh import SshHost
from tests.sshd import Sshd

pytestmark = pytest.mark.real

Reach = Callable[..., SshHost]
Serve = Callable[..., Sshd]


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_host_is_looked_at_as_this_machine_is(
    serve: Serve, reach: Reach, docker: Engine, transport: str
) -> None:
    there = reach(serve(), transport)
    findings = examine.examine(there, connect, time.time()).findings
    checks = {one.check for one in findings}
    assert {"engine", "storage", "cgroups", "network", "clock", "home", "TMPDIR", "cards"} <= checks
    (engine,) = [one for one in findings if one.check == "engine"]
    assert engine.what.startswith(f"docker {docker.facts().version}")


def test_a_hosts_clock_is_told_by_doctor_and_by_host_test_alike(
    serve: Serve, reach: Reach, docker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = reach(serve())
    late = time.time() + 3600
    found = examine.examine(there, connect, late).findings
    (clock,) = [one for one in found if one.check == "clock"]
    monkeypatch.setattr(host, "time", SimpleNamespace(time=lambda: late, monotonic=time.monotonic))
    (step,) = [one for one in host.examine(there, connect, lambda step: None).steps if one.name == "clock"]
    assert (clock.outcome, step.outcome) == ("warn", "failed")
    for said in (clock.what, step.detail):
        assert said.startswith("its clock is 3") and said.endswith(" s behind")


def test_host_test_tells_the_disk_and_the_cards_by_the_same_look(
    serve: Serve, reach: Reach, docker: Engine
) -> None:
    done = host.examine(reach(serve()), connect, lambda step: None)
    steps = {step.name: step for step in done.steps}
    assert done.error is None and done.facts is not None
    assert {"user", "system", "clock", "engine", "disk", "cards"} <= set(steps)
    assert done.facts.free_bytes > 0
