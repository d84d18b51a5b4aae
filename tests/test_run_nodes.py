"""What is decided about a run's nodes, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from envkit.errors import RunError, UsageError
from envkit.hosts.base import Command, Completed
from envkit.run import nodes
from envkit.run.folder import Request
from envkit.run.nodes import Machine, Part, part_name
from envkit.run.plan import JobPlan, NodePlan


class FarHost:
    """Answers as a machine over SSH does."""

    def __init__(self, boot: bytes, script: str = "aa") -> None:
        self.name, self._boot, self._script = "far", boot, script

    def run(self, command: Command) -> Completed:
        """Tell a digest, or who is connected."""
        told = f"{self._script}  x" if command.words[0] == "sha256sum" else "10.0.0.9 5 127.0.0.1 22"
        return Completed(code=0, stdout=told, stderr="")

    def read(self, path: object) -> bytes:
        """Tell which boot it is."""
        return self._boot

    def forward(self, address: str) -> None:
        """Be remote."""

    def read_from(self, path: object, offset: int) -> None:
        """Be a host."""

    def free_bytes(self, path: object) -> None:
        """Be a host."""

    def stream(self, command: Command, each_line: object) -> None:
        """Be a host."""

    def find_programs(self, name: str) -> None:
        """Be a host."""


def machine(name: str, host: FarHost) -> Machine:
    """Return a node at that host."""
    return Machine(name=name, site=cast("Any", SimpleNamespace(host=host)), wish=cast("Any", None))


def part(name: str, host: FarHost, image: str = "sha256:1", nproc: int = 1) -> Any:
    """Return a node's part with that image."""
    request = SimpleNamespace(nproc=nproc, record={"script": "/p/train.py"})
    plan = SimpleNamespace(project=None)
    place = SimpleNamespace(image_id=image)
    return SimpleNamespace(machine=machine(name, host), plan=plan, place=place, request=request)


def test_node_0_has_the_runs_name() -> None:
    assert [part_name("r", rank) for rank in (0, 1)] == ["r", "r-node1"]


@pytest.mark.parametrize(
    ("name", "own", "rank", "wanted"),
    [
        ("r", 0, 1, None),
        ("r", 0, 2, ("b", "r-node1")),
        ("r", 0, 6, None),  # there is no such rank, which the log's reader says
        ("r-node1", 1, 3, None),
        ("r-node1", 1, 0, ("a", "r")),
        ("r-node1", 1, 5, ("c", "r-node2")),
    ],
)
def test_a_rank_is_looked_for_on_its_own_node(
    name: str, own: int, rank: int, wanted: tuple[str, str] | None
) -> None:
    record = SimpleNamespace(nproc=2, record={"nodes": ["a", "b", "c"], "node": own})
    assert nodes.elsewhere(cast("Any", SimpleNamespace(name=name, record=record)), rank) == wanted


def test_a_run_on_one_machine_has_all_its_ranks_there() -> None:
    record = SimpleNamespace(nproc=2, record={})
    assert nodes.elsewhere(cast("Any", SimpleNamespace(name="r", record=record)), 1) is None


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (part("b", FarHost(b"2"), "sha256:2"), "b has another image than a"),
        (part("b", FarHost(b"2"), nproc=2), "b would have 2 processes, a 1"),
        (part("b", FarHost(b"2", "bb")), "b has another script than a"),
    ],
)
def test_nodes_that_differ_are_named(other: Any, says: str) -> None:
    with pytest.raises(RunError, match=says):
        nodes._refuse_unlike([part("a", FarHost(b"1")), other])


def test_attempts_are_counted_alike_on_all_nodes() -> None:
    """Node 1 is new in a run that is resumed."""
    asked = [
        Request(name="r", folder="/f", attempt=number, kind="script", target="t", directory="/")
        for number in (3, 1)
    ]
    plans = [
        JobPlan(name="r", home="/h", nodes=(NodePlan(place=cast("Any", None), request=one),)) for one in asked
    ]
    parts = [Part(machine=machine("a", FarHost(b"1")), plan=one, place=cast("Any", None)) for one in plans]
    assert [one.request.attempt for one in nodes._of_one_attempt(parts)] == [3, 3]


def test_a_loopback_address_between_machines_is_refused() -> None:
    machines = [machine("a", FarHost(b"1")), machine("b", FarHost(b"2"))]
    with pytest.raises(UsageError, match=r"node 0 \(a\) is reached at 127.0.0.1"):
        nodes._address(machines)
    assert nodes._address([machine("a", FarHost(b"1")), machine("b", FarHost(b"1"))]) == "127.0.0.1"
