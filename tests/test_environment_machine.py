"""What is asked of a machine before an environment is planned."""

from __future__ import annotations

import pytest

from envkit.accelerators.base import Seen
from envkit.environment.machine import caller, cpus, memory_mib, raises_limits, seen
from envkit.errors import HostError
from envkit.plan.run_plan import Caller
from tests.environments import TalkingHost
from tests.scripted_host import ScriptedHost


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("uid=1000(ada) gid=100(users) groups=100(users)\n", Caller(uid=1000, gid=100, name="ada")),
        ("uid=1234567 gid=0(root) groups=0(root)\n", Caller(uid=1234567, gid=0, name="u1234567")),
        ("uid=5(a b) gid=5\n", Caller(uid=5, gid=5, name="a b")),
    ],
)
def test_the_caller_is_who_the_machine_says(said: str, expected: Caller) -> None:
    assert caller(TalkingHost({"id": said})) == expected


def test_a_machine_that_does_not_say_who_we_are_is_an_error() -> None:
    with pytest.raises(HostError, match="does not say who we are"):
        caller(TalkingHost({"id": "?"}))


def test_memory_is_what_the_kernel_counts() -> None:
    assert memory_mib(TalkingHost()) == 16_000


@pytest.mark.parametrize(("told", "count"), [("0-7\n", 8), ("0\n", 1), ("0-3,8-11\n", 8), ("", 0), ("?", 0)])
def test_cpus_are_those_that_are_online(told: str, count: int) -> None:
    assert cpus(ScriptedHost(files={"/sys/devices/system/cpu/online": told.encode()})) == count


@pytest.mark.parametrize(
    ("status", "lifts"),
    [(b"CapBnd:\t000001ffffffffff\n", True), (b"CapBnd:\t00000000a80425fb\n", False), (b"", True)],
)
def test_an_engine_in_a_container_cannot_lift_limits(status: bytes, lifts: bool) -> None:
    assert raises_limits(ScriptedHost(files={"/proc/1/status": status})) is lifts


def test_an_accelerators_nodes_and_files_are_looked_at() -> None:
    host = ScriptedHost(
        answers={
            "ls -1 /dev/": (0, "davinci0\ndavinci_manager\nnull\nsda\n"),
            "stat": (1, "1000 /dev/davinci0\n1001 /dev/davinci_manager\n"),
        }
    )
    assert seen(host, "ascend", ()) == Seen(paths={"/dev/davinci0": 1000, "/dev/davinci_manager": 1001})
    assert "/dev/sda" not in host.lines[1]
    assert "/usr/local/Ascend/driver/lib64" in host.lines[1]


def test_nothing_is_looked_at_for_a_cpu() -> None:
    host = ScriptedHost()
    assert seen(host, "cpu", ()) == Seen()
    assert host.lines == []
