"""Looking at runs that really went: listed, followed, compared, stopped and removed, as a user does it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.real.conftest import Ide
from tests.real.train.conftest import LONG_S, PROGRAM, Told, Trainer, until

pytestmark = pytest.mark.real

WRITES = """
import os, sys
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter(f"/work/home/task/{os.environ['MODEL_PATH']}/model")
rate = float(sys.argv[2])
for step in range(20):
    writer.add_scalar("loss", rate / (step + 1), step)
writer.close()
print("last words")
if "--fail" in sys.argv:
    raise ValueError("bad data")
"""
WAITS = "import time\nprint('ready', flush=True)\ntime.sleep(600)\n"
Named = Callable[[str], Trainer]


def envkit(*words: str, **env: str) -> Told:
    done = subprocess.run(
        [PROGRAM, *words], capture_output=True, timeout=2 * LONG_S, check=False, env={**os.environ, **env}
    )
    return Told(code=done.returncode, stdout=done.stdout, stderr=done.stderr.decode("utf-8", "replace"))


@pytest.fixture
def named(trainer: Trainer) -> Iterator[Named]:
    """Return runs of several names in one home; their containers go with the test."""
    made: list[Trainer] = []

    def make(name: str) -> Trainer:
        made.append(replace(trainer, name=f"{trainer.name}-{name}"))
        return made[-1]

    yield make
    for one in made:
        for facts in one.engine.containers.find({"io.envkit.run": one.name}):
            one.engine.containers.remove(facts.id)


def listed(home: Path, **env: str) -> dict[str, dict[str, Any]]:
    """Return the runs of a home by the last part of their names."""
    found = json.loads(envkit("runs", "--home", str(home), "--json", **env).stdout)
    return {one["name"].rpartition("-")[2]: one for one in found}


def ready(run: Trainer) -> Trainer:
    """Start a run that waits, and leave it."""
    assert run.train(run.script(WAITS, "waits.py"), "--detach").code == 0
    until(lambda: b"ready" in run.log(), "the script does not begin")
    return run


def test_what_became_of_each_run_is_told(named: Named, trainer: Trainer) -> None:
    slow, killed = ready(named("slow")), ready(named("killed"))
    good, bad = named("good"), named("bad")
    script = trainer.script(WRITES)
    assert good.train(script, "--", "--lr", "0.5").code == 0
    assert bad.train(script, "--", "--lr", "0.1", "--fail").code == 8
    silent = listed(trainer.home, DOCKER_HOST="unix:///nobody.sock")
    assert (silent["slow"]["state"], silent["good"]["state"]) == ("running", "finished")
    assert "the engine does not answer" in silent["slow"]["beside"]

    assert "stopped by the user" in envkit("stop", slow.name).stderr
    subprocess.run(["docker", "kill", f"envkit-run-{killed.name}"], check=True, capture_output=True)
    until(lambda: listed(trainer.home)["killed"]["state"] == "killed", "a killed run is not told")
    found = listed(trainer.home)
    assert {name: one["state"] for name, one in found.items()} == {
        "good": "finished", "bad": "failed", "slow": "stopped", "killed": "killed",
    }  # fmt: skip
    assert "ValueError: bad data" in found["bad"]["reason"]

    where = {name: one["folder"] for name, one in found.items()}
    assert envkit("logs", where["bad"], "--tail", "1").stdout == b"ValueError: bad data\n"
    assert envkit("attach", where["bad"], "--tail", "0").code == 8
    assert envkit("wait", where["good"]).code == 0
    differ = json.loads(envkit("compare", where["good"], where["bad"], "--json").stdout)
    changed = {one["name"]: (one["before"], one["after"]) for one in differ["changes"]}
    assert (changed["--lr"], changed["state"]) == (("0.5", "0.1"), ("finished", "failed"))
    (loss,) = differ["results"]
    assert (loss["tag"], loss["before"]["step"]) == ("loss", 19)
    assert [round(loss[which]["value"], 6) for which in ("before", "after")] == [0.025, 0.005]

    assert envkit("rm", *where.values(), "--yes").code == 0
    assert listed(trainer.home) == {}
    assert list((trainer.home / "task").iterdir()) == []


def test_leaving_attach_leaves_the_run(named: Named) -> None:
    run = ready(named("goes"))
    follower = subprocess.Popen(
        [PROGRAM, "attach", run.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert follower.stdout is not None
    assert follower.stdout.readline() == "ready\n"
    follower.send_signal(signal.SIGINT)
    _, said = follower.communicate(timeout=LONG_S)
    assert (follower.returncode, said.splitlines()[-1]) == (
        130,
        f"run {run.name} goes on; `envkit stop {run.name}` ends it",
    )
    assert envkit("rm", run.name, "--yes").code == 1
    assert envkit("wait", run.name, "--for", "running").stdout.decode() == f"run {run.name}: running\n"
    assert envkit("stop", run.name, "--now").code == 0
    assert listed(run.home)["goes"]["state"] == "stopped"


def test_a_run_in_an_environment_is_lost_with_its_supervisor(ide: Ide, trainer: Trainer) -> None:
    run = replace(trainer, home=ide.home)
    lab = str(ide.container.name).removeprefix("envkit-")
    script = run.script(WAITS, "in_lab.py")
    assert run.train("--env", lab, "--detach", script, own=False).code == 0
    until(lambda: b"ready" in run.log(), "the script does not begin")
    alive = json.loads(envkit("runs", "--home", str(ide.home), "--state", "running", "--json").stdout)
    assert [(one["name"], one["environment"]) for one in alive] == [(run.name, lab)]
    supervisor = json.loads((run.attempt / "supervisor.json").read_text())["pid"]
    processes = json.loads((run.attempt / "rank-0.json").read_text())["pid"]
    done = ide.container.exec_run(["sh", "-c", f"kill -9 {supervisor} {processes}"])
    assert done.exit_code == 0, done.output
    assert envkit("wait", run.name, "--timeout", str(LONG_S)).code == 8
    (gone,) = json.loads(envkit("runs", "--home", str(ide.home), "--state", "killed", "--json").stdout)
    assert gone["reason"] == "its supervisor was killed, and wrote no end"
    assert envkit("rm", run.name, "--yes").code == 0
