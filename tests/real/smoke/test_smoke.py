"""`envkit smoke` as a user runs it: on an image, in an environment, with a machine's own Python."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import docker
import pytest

from envkit.smoke.checks import CHECKS, of_tier
from envkit.smoke.places import Inside
from tests.real.conftest import Ide

pytestmark = pytest.mark.real

ENVKIT = str(Path(sys.executable).with_name("envkit"))
TEMPORARY = {"label": "io.envkit.kind=temporary"}
# Python runs it before anything else.
BROKEN = b"""
import torch

right = torch.matmul
torch.matmul = lambda *given, **options: right(*given, **options) * 1.1
"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a run ended."""

    code: int
    stdout: str
    stderr: str


def smoke(*words: str) -> Said:
    done = subprocess.run([ENVKIT, "smoke", *words], capture_output=True, text=True, timeout=600, check=False)
    return Said(code=done.returncode, stdout=done.stdout, stderr=done.stderr)


@dataclass(frozen=True, kw_only=True)
class Quick:
    """One `--quick` of the image: what it printed, and its files."""

    said: Said
    saved: Path
    report: dict[str, Any]
    junit: ElementTree.Element


@pytest.fixture(scope="module")
def quick(image: str, tmp_path_factory: pytest.TempPathFactory) -> Quick:
    folder = tmp_path_factory.mktemp("smoke")
    files = ("--save", str(folder / "s.json"), "--junit", str(folder / "j.xml"))
    said = smoke(image, "--quick", *files)
    report = json.loads((folder / "s.json").read_text())
    junit = ElementTree.parse(folder / "j.xml").getroot()
    return Quick(said=said, saved=folder / "s.json", report=report, junit=junit)


def test_a_sound_image_passes_and_what_cannot_be_tried_is_skipped_with_its_reason(quick: Quick) -> None:
    assert quick.said.code == 0, quick.said
    outcomes = {one["id"]: (one["outcome"], one["reason"]) for one in quick.report["results"]}
    assert list(outcomes) == [check.id for check in of_tier("quick", ())]
    skipped = {name for name, (outcome, _) in outcomes.items() if outcome == "skipped"}
    assert skipped == {"matmul speed", "memory speed", "copy pinned"}
    assert {outcome for name, (outcome, _) in outcomes.items() if name not in skipped} == {"passed"}
    assert all(outcomes[name][1] for name in skipped)


def test_the_terminal_json_and_junit_tell_the_same(quick: Quick) -> None:
    results = quick.report["results"]
    marks = {"passed": "ok", "skipped": "--"}
    assert [line[:2] for line in quick.said.stdout.splitlines()] == [marks[one["outcome"]] for one in results]
    assert [case.get("name") for case in quick.junit.iter("testcase")] == [one["id"] for one in results]
    assert quick.junit[0].get("skipped") == "3"
    speeds = {one["id"]: one["speeds"] for one in results if one["speeds"]}
    assert {"matmul speed", "memory speed", "copy", "training", "loader", "all-reduce"} <= speeds.keys()
    assert all(value > 0 for figures in speeds.values() for value in figures.values())


def test_a_baseline_of_this_machine_is_compared_and_another_s_is_refused(
    quick: Quick, image: str, tmp_path: Path
) -> None:
    before = json.loads(quick.saved.read_text())
    for result in before["results"]:
        result["speeds"] = {name: 100 * value for name, value in result["speeds"].items()}
    better, other = tmp_path / "better.json", tmp_path / "other.json"
    better.write_text(json.dumps(before))
    other.write_text(json.dumps({**before, "subject": {**before["subject"], "machine": "another"}}))
    words = (image, "--quick", "--only", "memory")
    slower, refused = smoke(*words, "--baseline", str(better)), smoke(*words, "--baseline", str(other))
    assert (slower.code, "memory speed has " in slower.stderr) == (8, True), slower
    assert (refused.code, refused.stdout) == (2, ""), refused
    assert "was measured on another machine" in refused.stderr


def test_it_runs_in_an_environment_and_leaves_nothing_there(ide: Ide) -> None:
    name = str(ide.container.name).removeprefix("envkit-")
    said = smoke(name, "--quick", "--only", "checkpoint", "--only", "loader")
    assert said.code == 0, said
    assert said.stderr.startswith(f"environment {name} computes on ")
    assert [one for one in ide.container.diff() or () if "smoke" in one["Path"]] == []


def python_in(inside: Inside, folder: Path, *options: str) -> str:
    """Return a machine's own Python that has torch: a command like any other, it runs in a container."""
    python = folder / "python"
    command = ("docker", "exec", "-i", *options, inside.container, inside.python[0])
    python.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n')
    python.chmod(0o755)
    return str(python)


def test_a_machine_s_own_python_is_tried_without_a_container(inside: Inside, tmp_path: Path) -> None:
    python = python_in(inside, tmp_path)
    said = smoke("--here", "--python", python, "--quick", "--only", "training", "--json")
    report = json.loads(said.stdout)
    assert (said.code, report["passed"], report["target"]) == (0, True, f"{python} on this machine"), said


def test_a_torch_that_multiplies_wrongly_is_exit_code_eight(inside: Inside, tmp_path: Path) -> None:
    inside.engine.inside.put(inside.container, {"/broken/sitecustomize.py": BROKEN})
    python = python_in(inside, tmp_path, "-e", "PYTHONPATH=/broken")
    said = smoke("--here", "--python", python, "--quick", "--only", "matmul", "--only", "attention", "--json")
    failed = {one["id"] for one in json.loads(said.stdout)["results"] if one["outcome"] == "failed"}
    assert said.code == 8, said
    assert failed == {"matmul float32", "matmul bfloat16", "matmul float16"}


def test_without_torch_it_says_so(debian: str) -> None:
    here = smoke("--here", "--python", sys.executable, "--quick")
    assert (here.code, "No module named 'torch'" in here.stdout) == (8, True), here
    bare = smoke(debian, "--quick")
    assert (bare.code, bare.stderr.splitlines()[0]) == (8, "error: there is no Python in it")


def test_a_device_that_is_not_there_is_exit_code_seven(image: str, debian: str) -> None:
    if list(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("this machine has an NVIDIA card")
    assert smoke(image, "--device", "cuda").code == 7
    absent = smoke(debian, "--device", "cuda")
    assert (absent.code, absent.stderr.splitlines()[0]) == (7, "error: this machine has no cuda card")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_ends_it_ends_its_container_too(
    engine: docker.DockerClient, image: str, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [ENVKIT, "smoke", image], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()  # torch is imported: it is in the middle of it
        mine = _made_by(engine, running.pid)
        running.send_signal(number)
        running.communicate(timeout=120)
        assert (len(mine), running.returncode) == (1, 130)
    deadline = time.monotonic() + 60
    while _made_by(engine, running.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _made_by(engine, running.pid) == []


def _made_by(engine: docker.DockerClient, pid: int) -> list[str]:
    """Return the temporary containers of one envkit."""
    found = engine.containers.list(all=True, filters=TEMPORARY, ignore_removed=True)
    makers = ((one.id, json.loads(one.labels.get("io.envkit.client", "{}"))) for one in found)
    return [str(identity) for identity, maker in makers if maker.get("pid") == pid]


def test_a_real_card_passes_all_of_it() -> None:
    """On a machine with cards: an image for them must be there (`envkit build preset:cuda` or `ascend`)."""
    cards = [*Path("/dev").glob("nvidia[0-9]*"), *Path("/dev").glob("davinci[0-9]*")]
    if not cards:
        pytest.skip("no NVIDIA or Ascend card here")
    image = os.environ.get("ENVKIT_CARD_IMAGE")
    if not image:
        pytest.skip("ENVKIT_CARD_IMAGE names no image for this machine's cards")
    said = smoke(image, "--json")
    report = json.loads(said.stdout)
    failed = [(one["id"], one["reason"]) for one in report["results"] if one["outcome"] == "failed"]
    assert (said.code, failed) == (0, []), said.stderr
    assert len(report["results"]) == len(CHECKS) - 1  # all but the soak
