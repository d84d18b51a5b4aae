"""Cards on the real engine: many want two, two get them; a stopped or killed environment holds none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.values import BuildRequest, ContainerFacts
from tests.real.up.conftest import STAND_IN

pytestmark = pytest.mark.real

IMAGE = "envkit-test-up-cards:dev"
ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """#!/bin/sh
case "$*" in
*index,uuid*)
    echo "0, {0}, NVIDIA H100 80GB HBM3, 535.129.03, 81559, 4, 0, Disabled, 9.0"
    echo "1, {1}, NVIDIA H100 80GB HBM3, 535.129.03, 81559, 4, 0, Disabled, 9.0" ;;
esac
"""
Envkit = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def image(docker: Engine) -> str:
    """The stand-in, made for GPUs."""
    request = BuildRequest(context=STAND_IN, labels={"io.envkit.accelerator": "cuda"})
    docker.images.tag(docker.builder.build(request, lambda event: None), IMAGE)
    return IMAGE


@pytest.fixture
def uuids() -> tuple[str, str]:
    """Two cards that no other test has: the engine is shared."""
    return f"GPU-{uuid.uuid4()}", f"GPU-{uuid.uuid4()}"


@pytest.fixture
def found(docker: Engine, uuids: tuple[str, str]) -> Iterator[Callable[[], list[ContainerFacts]]]:
    """Look which containers have to do with the two cards; they go afterwards."""

    def look() -> list[ContainerFacts]:
        every = docker.containers.find({"io.envkit.cards": ""})
        return [facts for facts in every if set(facts.labels["io.envkit.cards"].split()) & set(uuids)]

    yield look
    for facts in look():
        docker.containers.remove(facts.id)


@pytest.fixture
def envkit(tmp_path: Path, uuids: tuple[str, str], image: str, found: object) -> Envkit:
    """Start `envkit` where nvidia-smi tells the two cards."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    tool = tmp_path / "nvidia-smi"
    tool.write_text(SCRIPT.format(*uuids), encoding="utf-8")
    tool.chmod(0o755)

    def start(verb: str, *words: str, **env: str) -> subprocess.Popen[str]:
        folders = ("--home", str(tmp_path / "home"), "--cache", str(tmp_path / "cache"))
        command = (sys.executable, "-m", "tests.real.up.paper_cards", verb, *words)
        return subprocess.Popen(
            command + (folders if verb == "up" else ()),
            cwd=ROOT,
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    text, _ = process.communicate(timeout=120)
    return process.returncode, text


def new_name() -> str:
    return f"t-{uuid.uuid4().hex[:8]}"


def of_kind(found: list[ContainerFacts], kind: str) -> list[ContainerFacts]:
    return [facts for facts in found if facts.labels["io.envkit.kind"] == kind]


def holders(found: list[ContainerFacts]) -> list[str]:
    return [facts.labels["io.envkit.card-holder"] for facts in of_kind(found, "card")]


def test_six_want_two_cards_and_two_get_one_each(
    envkit: Envkit, found: Callable[[], list[ContainerFacts]], uuids: tuple[str, str]
) -> None:
    names = [new_name() for _ in range(6)]
    started = {name: envkit("up", IMAGE, "--name", name, "--device", "1") for name in names}
    ends = {name: ended(process) for name, process in started.items()}
    assert sorted(code for code, _ in ends.values()) == [0, 0, 7, 7, 7, 7], ends
    environments = of_kind(found(), "environment")
    assert sorted(facts.labels["io.envkit.cards"] for facts in environments) == sorted(uuids)
    assert {facts.labels["io.envkit.environment"] for facts in environments} == {
        name for name, (code, _) in ends.items() if code == 0
    }
    assert sorted(facts.name for facts in of_kind(found(), "card")) == sorted(
        f"envkit-card-{one}" for one in uuids
    )
    assert all("1 cuda card is asked for, 0 of 2 can be had" in text for code, text in ends.values() if code)

    shown = json.loads(ended(envkit("devices", "--json"))[1])["devices"]
    users = {facts.labels["io.envkit.cards"]: facts.labels["io.envkit.environment"] for facts in environments}
    assert {one["card"]["uuid"]: one["users"] for one in shown} == {
        key: [f"environment {name}"] for key, name in users.items()
    }
    assert {one["state"] for one in shown} == {"used"}


def test_a_stopped_environment_holds_none_and_start_names_who_has_it(
    envkit: Envkit, found: Callable[[], list[ContainerFacts]]
) -> None:
    first, second = new_name(), new_name()
    assert ended(envkit("up", IMAGE, "--name", first, "--device", "cuda:1"))[0] == 0
    assert ended(envkit("stop", first))[0] == 0
    assert of_kind(found(), "card") == []
    assert ended(envkit("up", IMAGE, "--name", second, "--device", "cuda:1"))[0] == 0
    code, text = ended(envkit("start", first))
    assert code == 7 and f"environment {second} has it" in text, text
    assert f"then `envkit rm {first}` and `envkit up {first}:kept" in text
    assert ended(envkit("rm", second, "--yes"))[0] == 0
    assert ended(envkit("start", first))[0] == 0
    assert holders(found()) == [f"environment {first}"]


def test_what_a_killed_up_had_leased_is_shown_by_gc_and_taken_by_the_next(
    envkit: Envkit, found: Callable[[], list[ContainerFacts]], uuids: tuple[str, str]
) -> None:
    killed, second = new_name(), new_name()
    code, _ = ended(envkit("up", IMAGE, "--name", killed, "--device", "2", ENVKIT_TEST_DIE_AT_START="1"))
    assert code == -9
    assert len(of_kind(found(), "card")) == 2
    code, text = ended(envkit("gc", "--dry-run"))
    assert code == 0 and all(f"envkit-card-{one}" in text for one in uuids), text
    assert ended(envkit("up", IMAGE, "--name", second, "--device", "2"))[0] == 0
    assert [facts.labels["io.envkit.environment"] for facts in of_kind(found(), "environment")] == [second]
    assert holders(found()) == [f"environment {second}"] * 2


def test_of_three_smoke_tests_at_once_two_have_a_card_and_nobody_else(
    envkit: Envkit, found: Callable[[], list[ContainerFacts]], uuids: tuple[str, str]
) -> None:
    smoke = ("smoke", IMAGE, "--device", "1", "--python", "/opt/envkit/bin/busy-python")
    at_once = [envkit(*smoke) for _ in range(3)]
    lost = first_ended(at_once)
    code, text = ended(lost)
    assert code == 7 and "1 cuda card is asked for, 0 of 2 can be had" in text, text
    at_work = f"a smoke test of {IMAGE}"
    wait_until(lambda: [facts.state for facts in of_kind(found(), "temporary")] == ["running"] * 2)
    shown = json.loads(ended(envkit("devices", "--json"))[1])["devices"]
    assert {one["card"]["uuid"]: (one["why"], one["users"]) for one in shown} == {
        key: (f"{at_work} has it", [at_work]) for key in uuids
    }
    name = new_name()
    code, text = ended(envkit("up", IMAGE, "--name", name, "--device", "1"))
    assert code == 7 and f"{at_work} has it" in text, text
    assert ended(envkit("up", IMAGE, "--name", name, "--device", "1", "--share"))[0] == 0
    for process in at_once:
        if process is not lost:
            process.terminate()
            assert ended(process)[0] == 130
    assert [facts.labels["io.envkit.kind"] for facts in found()] == ["environment"], "nothing else stays"


def first_ended(processes: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """Wait for the first to end, and return it."""
    wait_until(lambda: any(process.poll() is not None for process in processes))
    return next(process for process in processes if process.poll() is not None)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
