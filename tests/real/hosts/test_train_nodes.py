"""`envkit train --nodes` on machines of the tests' own (tests/boxes.py), which share nothing but a cable.

In their image a stand-in launches in torchrun's place; the real one, with gloo between the ranks, is in
test_two_nodes_train_together.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from envkit.engines.docker import connect
from envkit.hosts import registry
from envkit.hosts.local import LocalHost
from envkit.hosts.registry import HostEntry
from tests.boxes import Box, Switch
from tests.real.hosts.machines import IMAGE, Nodes, make_image
from tests.real.train.conftest import PROGRAM, Trainer, until
from tests.sshd import Sshd, make_home

pytestmark = pytest.mark.real

TELLS = """
import os, sys
print("rank", os.environ["RANK"], "of", os.environ["WORLD_SIZE"], *sys.argv[1:], flush=True)
"""
WAITS = TELLS + "print('ready', flush=True)\nimport time\ntime.sleep(600)\n"
# In the first attempt rank 1 fails, and rank 0 would go on.
AGAIN = (
    TELLS
    + """
print("by", os.environ["GLOO_SOCKET_IFNAME"], flush=True)
if os.environ["ENVKIT_ATTEMPT"] == "1":
    if os.environ["RANK"] == "1":
        raise ValueError("bad")
    import time
    time.sleep(600)
"""
)
WAITS_ONCE = WAITS.replace("time.sleep", "os.environ['ENVKIT_ATTEMPT'] == '1' and time.sleep")


DDP = """
import os, torch, torch.distributed as dist
dist.init_process_group("gloo")
rank, sum = dist.get_rank(), torch.ones(1) * (dist.get_rank() + 1)
dist.all_reduce(sum)
print("rank", rank, "of", dist.get_world_size(), "sum", sum.item(), os.environ["MODEL_PATH"], flush=True)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
model(torch.ones(1, 2) * rank).sum().backward()
print("gradient", model.module.weight.grad[0, 0].item())
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def machines(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Box, Box]]:
    """Two machines."""
    if os.getuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("machines of the tests' own need root, and dockerd")
    folder = tmp_path_factory.mktemp("boxes")
    switch = Switch()
    made = make_image(image)
    one, two = (
        Box(number=number, folder=folder / str(number), switch=switch, image=made) for number in (1, 2)
    )
    try:
        yield one, two
    finally:
        one.remove()
        two.remove()
        switch.close()


@pytest.fixture
def nodes(machines: tuple[Box, Box], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    """Both machines, switched on, known as box1 and box2, and who trains there."""
    for box in machines:
        if not box.is_on():
            box.start()
    (tmp_path / "user").mkdir()
    make_home(tmp_path / "user", monkeypatch, *(box.sshd for box in machines))
    key = (machines[0].sshd.folder / "authorized_keys").read_text()
    (machines[1].sshd.folder / "authorized_keys").write_text(key)
    for box in machines:
        registry.add(HostEntry(name=f"box{box.number}", target=box.sshd.target))
    one = Nodes(home=tmp_path / "unused", image=IMAGE, engine=connect(LocalHost()), boxes=machines)
    yield one
    for process in one.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    for box in machines:
        box.clear()
    for facts in one.engine.containers.find({"io.envkit.run": one.name}):
        one.engine.containers.remove(facts.id)


@pytest.fixture
def pair(
    serve: Callable[..., Sshd], home: Callable[..., Path], tmp_path: Path, image: str
) -> Iterator[Trainer]:
    """Two hosts over SSH with one engine and one home, an IDE image, and what is started there."""
    servers = [serve(), serve()]
    home(servers[0], servers[1])
    (servers[1].folder / "authorized_keys").write_text((servers[0].folder / "authorized_keys").read_text())
    for number, server in enumerate(servers, 1):
        registry.add(HostEntry(name=f"host{number}", target=server.target))
    one = Trainer(home=tmp_path / "shared", image=image, engine=connect(LocalHost()))
    one.home.mkdir()
    yield one
    for name in (one.name, f"{one.name}-node1"):
        for facts in one.engine.containers.find({"io.envkit.run": name}):
            one.engine.containers.remove(facts.id)


def test_two_nodes_train_together(pair: Trainer) -> None:
    """By the real torchrun, and on one home, as on a network's disk."""
    told = pair.train("--nodes", "host1,host2", pair.script(DDP))
    assert told.code == 0, told.stderr
    for rank in (0, 1):
        said = f"[host{rank + 1} rank {rank}] "
        assert f"{said}rank {rank} of 2 sum 3.0 {pair.name}\n" in told.stdout.decode()
        assert f"{said}gradient 0.5\n" in told.stdout.decode()
    assert (pair.home / "task" / f"{pair.name}-node1" / "attempts/1/end.json").exists()
    assert not pair.engine.containers.find({"io.envkit.run": f"{pair.name}-node1"})


def test_a_project_is_sent_to_all_nodes_and_all_lines_come(nodes: Nodes, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(TELLS)
    words = ("--nodes", "box1,box2", "--sync", "--nproc", "2", project / "train.py", "--", "--lr=1")
    told = nodes.train(*words)
    assert told.code == 0, told.stderr
    wanted = {f"[box{1 + rank // 2} rank {rank}] rank {rank} of 4 --lr=1" for rank in range(4)}
    assert set(told.stdout.decode().splitlines()) == wanted
    for rank in (0, 1):
        assert nodes.end_of(rank)["state"] == "finished"
        assert (nodes.part(rank) / "code" / "train.py").exists()
        assert not nodes.containers(rank)
    assert (nodes.part(0) / "model").is_dir()
    assert [one.name for one in (nodes.boxes[1].home / "task").glob(f"{nodes.name}*")] == [nodes.part(1).name]


def test_who_fails_is_named_and_resume_goes_on_on_all_nodes(nodes: Nodes) -> None:
    script = nodes.place(AGAIN)
    told = nodes.train("--nodes", "box1,box2", script)
    assert told.code == 8
    assert "rank 1 on box2 failed with exit code 1: ValueError: bad" in told.stderr
    assert nodes.end_of(1)["sentence"] == nodes.end_of(0)["sentence"]
    assert b"[box1 rank 0] by eth0\n" in told.stdout  # that leads to node 0, of the box's three
    printed = [PROGRAM, "logs", nodes.name, "--host=box1", "--rank"]
    for rank in ("0", "1"):
        assert f"rank {rank} of 2\n".encode() in subprocess.check_output([*printed, rank], timeout=120)
    again = nodes.train("--nodes", "box1,box2", "--resume", script)
    assert again.code == 0, again.stderr
    assert b"[box2 rank 1] rank 1 of 2" in again.stdout
    assert nodes.end_of(0, attempt=2)["state"] == nodes.end_of(1, attempt=2)["state"] == "finished"


def test_retries_begin_again_on_all_nodes(nodes: Nodes) -> None:
    """In node 1's container the supervisor dies: its engine starts it again, without whoever asked."""
    process = nodes.start("--nodes", "box1,box2", "--retries=1", "--on=host-lost", nodes.place(WAITS_ONCE))
    nodes.until_ready(process)
    nodes.kill_supervisor(1)
    out, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert b"attempt 1: node 1 (box2) was lost: its connection ended; attempt 2 begins" in said
    assert out.count(b"[box1 rank 0] ready") == out.count(b"[box2 rank 1] ready") == 2, out + said
    assert nodes.end_of(1)["state"] == "lost"
    assert nodes.end_of(1, attempt=2)["state"] == "finished"


def test_attach_brings_the_token_to_a_node_that_was_lost(nodes: Nodes) -> None:
    """Nobody follows when node 1's supervisor dies; the token is in memory alone, and in node 0's."""
    words = ("--retries=1", "--on=host-lost", nodes.place(WAITS_ONCE))
    process = nodes.start("--detach", "--nodes", "box1,box2", *words)
    assert b"`envkit attach` brings it" in process.communicate(timeout=240)[1]
    until(lambda: all("ready" in nodes.log_of(rank) for rank in (0, 1)), "the scripts do not begin")
    nodes.kill_supervisor(1)
    begun = nodes.part(1) / "attempts" / "2" / "supervisor.json"
    until(begun.exists, "its engine does not start it again")
    attached = subprocess.run(
        [PROGRAM, "attach", nodes.name, "--host=box1"], capture_output=True, check=False, timeout=240
    )
    assert attached.returncode == 0, attached.stderr
    assert b"[box2 rank 1] ready" in attached.stdout
    for rank in (0, 1):
        assert nodes.end_of(rank, attempt=2)["state"] == "finished"
        found = subprocess.run(
            ["grep", "-rlE", "^[0-9a-f]{64}$", nodes.part(rank)], capture_output=True, check=False
        )
        assert found.returncode == 1, found.stdout


@pytest.mark.parametrize(("dead", "left"), [(1, 0), (0, 1)])
def test_a_machine_that_dies_ends_the_run_on_the_other(nodes: Nodes, dead: int, left: int) -> None:
    """Its SSH server, its engine and its containers go at once."""
    process = nodes.start("--nodes", "box1,box2", "--node-silence=10", nodes.place(WAITS))
    nodes.until_ready(process)
    nodes.boxes[dead].die()
    end = nodes.end_of(left)
    assert (end["state"], end["cause"]) == ("lost", "node-lost")
    assert end["sentence"].startswith(f"node {dead} (box{dead + 1}) was lost: ")
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 8
    assert f"run {nodes.name}: node {dead} (box{dead + 1}) was lost: " in said
    assert (
        f"node box{dead + 1}: it is not reached; what is left there: `envkit runs --host box{dead + 1}`"
        in said
    )
    assert not nodes.containers(left)


def test_a_cut_cable_ends_the_run_on_both_sides(nodes: Nodes) -> None:
    process = nodes.start("--detach", "--nodes", "box1,box2", "--node-silence=6", nodes.place(WAITS))
    name = process.communicate(timeout=120)[0].decode().strip()
    assert (process.returncode, name) == (0, nodes.name)
    until(lambda: all("ready" in nodes.log_of(rank) for rank in (0, 1)), "the scripts do not begin")
    nodes.boxes[1].switch.pull(nodes.boxes[1].address)
    try:
        silent = "was lost: not heard of for 6 s"
        assert nodes.end_of(0)["sentence"] == f"node 1 (box2) {silent}"
        assert nodes.end_of(1)["sentence"] == f"node 0 (box1) {silent}"
    finally:
        nodes.boxes[1].switch.mend(nodes.boxes[1].address)


def test_this_machine_is_a_node_and_attach_follows_all(nodes: Nodes, tmp_path: Path) -> None:
    nodes.load_here()
    path = tmp_path / "train.py"
    path.write_text(WAITS)
    process = nodes.start("--detach", "--json", "--sync", "--nodes", "this,box1", path)
    told = json.loads(process.communicate(timeout=240)[0])
    assert [one["node"] for one in told["nodes"]] == ["this", "box1"]
    words = [PROGRAM, "attach", nodes.name]
    attached = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    nodes.started.append(attached)
    assert attached.stdout is not None
    seen = {attached.stdout.readline() for _ in range(4)}
    assert {b"[this rank 0] ready\n", b"[box1 rank 1] ready\n"} < seen
    subprocess.run([PROGRAM, "stop", nodes.name], check=True, timeout=120)
    assert attached.wait(120) == 8
    other = nodes.boxes[0].home / "task" / f"{nodes.name}-node1" / "attempts/1/end.json"
    assert json.loads(other.read_text())["state"] == "stopped"


def test_what_does_not_fit_together_is_said_before_anything_is_made(nodes: Nodes) -> None:
    script = nodes.place(TELLS)
    plan = nodes.train("--dry-run", "--nodes", "box1,box2", script).stdout.decode()
    assert plan.count(IMAGE) == 2 and "node         box2" in plan
    (nodes.boxes[1].home / "proj/train.py").write_text(WAITS)
    assert "box2 has another script than box1" in nodes.train("--nodes", "box1,box2", script).stderr
    with closing(nodes.boxes[1].engine()) as engine:
        container = engine.containers.create(IMAGE, "true")
        container.commit(*IMAGE.split(":"))
        container.remove()
    told = nodes.train("--nodes", "box1,box2", script)
    assert told.code == 8 and "box2 has another image than box1: sha256:" in told.stderr
    with closing(nodes.boxes[1].engine()) as engine:
        engine.images.load(nodes.boxes[1].image)
    assert not any(nodes.part(rank).exists() for rank in (0, 1))


def test_all_nodes_start_or_none(nodes: Nodes) -> None:
    """Somebody else has the name that node 1's container needs."""
    taken = f"envkit-run-{nodes.name}-node1"
    with closing(nodes.boxes[1].engine()) as engine:
        engine.containers.create(IMAGE, "true", name=taken)
    told = nodes.train("--nodes", "box1,box2", nodes.place(WAITS))
    assert told.code == 5 and f"node box2: the container {taken} is no run" in told.stderr
    assert not any(nodes.part(rank).exists() for rank in (0, 1))
    assert not nodes.containers(0)


def test_a_stop_of_the_run_stops_both(nodes: Nodes) -> None:
    process = nodes.start("--nodes", "box1,box2", nodes.place(WAITS))
    nodes.until_ready(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    assert nodes.end_of(0)["state"] == nodes.end_of(1)["state"] == "stopped"
