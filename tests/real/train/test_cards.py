"""A run's cards: it has them alone, `devices` names it, and they are free again when it has ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.values import BuildRequest
from tests.names import fresh
from tests.real.train.conftest import LONG_S, Trainer, until

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[3]
SMI = """#!/bin/sh
case "$*" in
*index,uuid*)
    for n in 0 1; do
        echo "$n, {0}-$n, NVIDIA H100 80GB HBM3, 535.129.03, 81559, 4, 0, Disabled, 9.0"
    done ;;
esac
"""
WAITING = """
import os, time
print("ready", flush=True)
while not os.path.exists("go"):
    time.sleep(0.05)
"""

Envkit = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def for_cards(image: str, train_engine: Engine, tmp_path: Path) -> Iterator[str]:
    """The image, made for GPUs by its label."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {image}\n")
    name = f"envkit-test-train-cards:{fresh('t')}"
    request = BuildRequest(context=context, labels={"io.envkit.accelerator": "cuda"})
    train_engine.images.tag(train_engine.builder.build(request, lambda event: None), name)
    yield name
    train_engine.images.untag(name)


@pytest.fixture
def card(train_engine: Engine) -> Iterator[str]:
    """How the names of two cards begin that no other test has."""
    name = f"GPU-{uuid.uuid4()}"
    yield name
    for facts in train_engine.containers.find({"io.envkit.cards": ""}):
        if facts.labels["io.envkit.cards"].startswith(name):
            train_engine.containers.remove(facts.id)


@pytest.fixture
def envkit_on_paper(tmp_path: Path, card: str) -> Envkit:
    """`envkit` where nvidia-smi tells the two cards, which nobody wires."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(SMI.format(card), encoding="utf-8")
    tool.chmod(0o755)

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "-m", "tests.real.up.paper_cards", *words),
            cwd=ROOT,
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def test_a_run_has_its_card_alone_until_it_ends(
    trainer: Trainer, for_cards: str, card: str, envkit_on_paper: Envkit
) -> None:
    script = trainer.script(WAITING)
    trainer.image = for_cards
    first = envkit_on_paper(*trainer.words(script, "--device", "cuda:0")[1:])
    until(lambda: b"ready" in trainer.log() or first.poll() is not None, "the script does not begin")
    name, trainer.name = trainer.name, f"{trainer.name}-2"
    second = envkit_on_paper(*trainer.words(script, "--device", "cuda:0")[1:])
    _, said = second.communicate(timeout=LONG_S)
    assert second.returncode == 7 and f"run {name} has it" in said, said
    assert not trainer.folder.exists() and trainer.container() is None

    shown, _ = envkit_on_paper("devices", "--json").communicate(timeout=LONG_S)
    users = {one["card"]["uuid"]: one["users"] for one in json.loads(shown)["devices"]}
    assert users == {f"{card}-0": [f"run {name}"], f"{card}-1": []}

    (script.parent / "go").touch()
    _, said = first.communicate(timeout=LONG_S)
    assert first.returncode == 0, said
    left = trainer.engine.containers.find({"io.envkit.cards": ""})
    assert [facts.name for facts in left if card in facts.labels["io.envkit.cards"]] == []
