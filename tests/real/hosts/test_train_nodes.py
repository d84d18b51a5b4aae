"""`envkit train --nodes`: two hosts over SSH, whose engine is the same; torch's gloo between them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.engines.docker import connect
from envkit.engines.values import RunRequest
from envkit.hosts import registry
from envkit.hosts.local import LocalHost
from envkit.hosts.registry import HostEntry
from tests.real.train.conftest import Trainer, until
from tests.sshd import Sshd

pytestmark = pytest.mark.real

JOIN = """
import os, time, torch, torch.distributed as dist
dist.init_process_group("gloo")
rank, sum = dist.get_rank(), torch.ones(1) * (dist.get_rank() + 1)
dist.all_reduce(sum)
print("rank", rank, "of", dist.get_world_size(), "sum", sum.item(), os.environ["MODEL_PATH"], flush=True)
"""
DDP = (
    JOIN
    + """
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
model(torch.ones(1, 2) * rank).sum().backward()
print("gradient", model.module.weight.grad[0, 0].item())
dist.destroy_process_group()
"""
)
RAISES = (
    JOIN
    + """
if rank == 1:
    raise ValueError("bad")
time.sleep(600)
"""
)
WAITS = JOIN + "print('ready', flush=True)\ntime.sleep(600)\n"


@pytest.fixture
def pair(
    serve: Callable[..., Sshd], home: Callable[..., Path], tmp_path: Path, image: str
) -> Iterator[Trainer]:
    """Two hosts that share a home, and what is started on them."""
    servers = [serve(), serve()]
    home(servers[0], servers[1])
    keys = [(server.folder / "authorized_keys") for server in servers]
    keys[1].write_text(keys[0].read_text())
    for number, server in enumerate(servers, 1):
        registry.add(HostEntry(name=f"host{number}", target=server.target))
    one = Trainer(home=tmp_path / "shared", image=image, engine=connect(LocalHost()))
    one.home.mkdir()
    yield one
    for process in one.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    for name in (one.name, f"{one.name}-node1"):
        for facts in one.engine.containers.find({"io.envkit.run": name}):
            one.engine.containers.remove(facts.id)


def end_of(part: Path) -> dict[str, object]:
    """Return how a part ended, once it has."""
    path = part / "attempts" / "1" / "end.json"
    until(path.exists, f"{path} is not written")
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_two_nodes_train_together(pair: Trainer) -> None:
    told = pair.train("--nodes", "host1,host2", pair.script(DDP))
    assert told.code == 0, told.stderr
    assert f"[rank 0] rank 0 of 2 sum 3.0 {pair.name}\n[rank 0] gradient 0.5" in told.stdout.decode()
    other = pair.home / "task" / f"{pair.name}-node1"
    assert f"rank 1 of 2 sum 3.0 {pair.name}\ngradient 0.5" in (other / "attempts/1/rank-1.log").read_text()
    assert end_of(other)["state"] == pair.end()["state"] == "finished"
    assert not pair.engine.containers.find({"io.envkit.run": f"{pair.name}-node1"})


def test_who_fails_is_named_and_the_other_node_ends(pair: Trainer) -> None:
    told = pair.train("--nodes", "host1,host2", pair.script(RAISES))
    assert told.code == 8
    # With its process group open torch sometimes aborts after the exception was told.
    how = r"(failed with exit code 1:|crashed: SIGABRT after)"
    assert re.search(f"rank 1 on host2 {how} ValueError: bad", told.stderr), told.stderr
    assert end_of(pair.home / "task" / f"{pair.name}-node1")["sentence"] == pair.end()["sentence"]


@pytest.mark.parametrize(("killed", "left"), [("-node1", ""), ("", "-node1")])
def test_a_node_that_is_killed_ends_the_other(pair: Trainer, killed: str, left: str) -> None:
    process = pair.start("--nodes", "host1,host2", pair.script(WAITS))
    logs = [pair.home / "task" / f"{pair.name}{part}/attempts/1" for part in ("", "-node1")]
    until(
        lambda: (
            process.poll() is not None
            or (
                all("ready" in one.read_text() for log in logs for one in log.glob("rank-*.log"))
                and all(list(log.glob("rank-*.log")) for log in logs)
            )
        ),
        "the script does not begin",
    )
    assert process.poll() is None, process.communicate()
    (facts,) = pair.engine.containers.find({"io.envkit.run": f"{pair.name}{killed}"})
    pair.engine.containers.remove(facts.id)  # by SIGKILL
    end = end_of(pair.home / "task" / f"{pair.name}{left}")
    rank, name = (1, "host2") if killed else (0, "host1")
    assert (end["state"], end["cause"]) == ("lost", "node-lost")
    assert end["sentence"] == f"node {rank} ({name}) was lost: its connection ended"
    process.wait(120)


def test_a_stop_of_the_run_stops_both(pair: Trainer) -> None:
    process = pair.start("--nodes", "host1,host2", pair.script(WAITS))
    until(lambda: b"ready" in pair.log() or process.poll() is not None, "the script does not begin")
    assert process.poll() is None, process.communicate()
    process.send_signal(2)
    assert process.wait(120) == 130
    assert pair.end()["state"] == "stopped"
    assert end_of(pair.home / "task" / f"{pair.name}-node1")["state"] == "stopped"


def test_all_nodes_start_or_none(pair: Trainer) -> None:
    """Somebody else has the name that node 1's container needs."""
    taken = f"envkit-run-{pair.name}-node1"
    other = pair.engine.containers.create(RunRequest(image=pair.image, name=taken))
    try:
        told = pair.train("--nodes", "host1,host2", pair.script(WAITS))
    finally:
        pair.engine.containers.remove(other)
    assert told.code != 0 and f"node host2: the container {taken} is no run" in told.stderr
    assert not list((pair.home / "task").iterdir())
    assert pair.container() is None
