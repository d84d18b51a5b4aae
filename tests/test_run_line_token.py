"""The token of the nodes' line comes to who has not got it."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any, cast

from envkit.container import deliver
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult, RunRequest
from envkit.plan.run_plan import SECRETS
from envkit.run.line_token import FILE, NAME, Bearer, Holder
from tests.environments import image


class Node:
    """A machine with a run's container, whose memory is here."""

    def __init__(self, has: bytes = b"", *, runs: bool = True) -> None:
        engine = FakeEngine()
        engine.images.add(image())
        self.has, self.asked = has, list[ExecRequest]()
        container = engine.containers.create(RunRequest(image=image().id, user="7:8"))
        if runs:
            engine.containers.start(container)
        engine.inside.scripts[("cat", "--", FILE)] = self._read
        engine.inside.scripts[("sh", "-c", deliver._SCRIPT, "deliver", SECRETS)] = self._take
        self.holder = Holder(site=cast("Any", SimpleNamespace(engine=engine)), container=container)

    def _read(self, facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        return ExecResult(code=0 if self.has else 1, stdout=self.has, stderr=b"")

    def _take(self, facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        name, value = request.stdin.split()
        assert (name.decode(), request.user) == (NAME, "7:8")
        self.has = base64.b64decode(value)
        return ExecResult(code=0, stdout=b"", stderr=b"")


def bearer(*nodes: Node, token: bytes | None = None) -> Bearer:
    """Return who follows those."""
    return Bearer(holders=[node.holder for node in nodes], token=token)


def test_who_started_the_run_brings_its_token() -> None:
    node = Node()
    assert bearer(node, token=b"t").bring(node.holder) and node.has == b"t"


def test_who_attaches_brings_that_of_a_node_that_has_it() -> None:
    whole, restarted = Node(b"t"), Node()
    assert bearer(whole, restarted).bring(restarted.holder)
    assert (whole.has, restarted.has) == (b"t", b"t")


def test_nodes_that_were_all_lost_get_a_new_one() -> None:
    nodes = Node(), Node(runs=False), Node()
    who = bearer(*nodes)
    assert [who.bring(node.holder) for node in nodes] == [True, False, True]
    assert nodes[0].has == nodes[2].has and len(nodes[0].has) == 64


def test_the_token_is_in_no_repr() -> None:
    assert "secret" not in repr(bearer(Node(), token=b"secret"))
