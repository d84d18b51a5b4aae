"""Three scripts as people write them (tests/scripts), not edited, by `envkit train`.

On a CPU; and on the stand-in for an NPU, where the real torch_npu carries them over and a CANN of our own
computes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from envkit.environment.machine import find_cards
from envkit.hosts.local import LocalHost
from tests.real.train.conftest import LONG_S, Trainer

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "tests" / "scripts"
ALL = sorted(path.name for path in SCRIPTS.glob("*.py"))


def given(trainer: Trainer, name: str) -> Path:
    """Copy a script into the home."""
    return trainer.script((SCRIPTS / name).read_text(), name)


def test_checkpoints_and_events_on_a_cpu(trainer: Trainer) -> None:
    script = given(trainer, "resume.py")
    first = trainer.train(script, "--", "--epochs", "2")
    assert (first.code, b"epoch 1 loss" in first.stdout) == (0, True), first.stderr
    events = list((trainer.folder / "model").glob("events.out.tfevents.*"))
    assert len(events) == 1 and not (script.parent / "runs").exists()
    assert (script.parent / "checkpoint.pt").is_file()

    second = trainer.train(script, "--resume", "--", "--epochs", "3", "--resume", "checkpoint.pt")
    printed = [line[:7] for line in second.stdout.splitlines()]
    assert (second.code, printed) == (0, [b"epoch 2"]), second.stderr
    assert len(list((trainer.folder / "model").glob("events.out.tfevents.*"))) == 2


def test_a_script_for_gpus_alone_is_told_as_such_on_a_cpu(trainer: Trainer) -> None:
    said = trainer.train(given(trainer, "loop.py"))
    assert said.code == 8, said.stderr
    assert "loop.py:" in said.stderr and trainer.end()["cause"] == "script-error"


def on_npus(trainer: Trainer, image: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `envkit train` where two NPUs are on paper, in an image whose CANN is the stand-in."""
    trainer.image = image
    command = (sys.executable, "-m", "tests.real.train.paper_npus", *trainer.words(*words)[1:])
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=5 * LONG_S, check=False)


def test_a_loop_with_mixed_precision_for_gpus_trains_on_an_npu(trainer: Trainer, ascend_image: str) -> None:
    done = on_npus(trainer, ascend_image, given(trainer, "loop.py"), "--device", "ascend:0")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line.split() for line in done.stdout.splitlines() if line.startswith("step ")]
    assert [words[-1] for words in steps] == ["Ascend910B2"] * 8
    assert float(steps[-1][3]) < float(steps[0][3])
    assert trainer.end()["state"] == "finished"


def test_nccl_on_two_npus_is_hccl(trainer: Trainer, ascend_image: str) -> None:
    script = given(trainer, "ddp.py")
    done = on_npus(trainer, ascend_image, script, "--device", "ascend:0,1", "--nproc", "auto")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"rank 0 of 2", "rank 1 of 2"} <= {line[9:20] for line in done.stdout.splitlines()}
    assert trainer.end()["state"] == "finished"


GREEDY = """\
import time
import torch
import torch_npu
from torch_npu.npu import amp
from torch_npu.contrib import transfer_to_npu
print("the manual's lines did no harm", amp.autocast.__name__, flush=True)
held = [torch.empty(1 << 28, dtype=torch.uint8, device="cuda") for _ in range(8)]
"""


def test_want_of_a_cards_memory_is_told(trainer: Trainer, ascend_image: str) -> None:
    """The stand-in has 1 GiB on a card, and the real torch_npu says that 2 do not fit."""
    done = on_npus(trainer, ascend_image, trainer.script(GREEDY), "--device", "ascend:0")
    assert done.returncode == 8 and "the manual's lines did no harm autocast" in done.stdout, done.stderr
    end = trainer.end()
    assert (end["state"], end["cause"]) == ("failed", "device-memory"), end
    assert "ran out of the device's memory" in done.stderr and "NPU out of memory" in done.stderr


@pytest.mark.parametrize("accelerator", ["cuda", "ascend"])
@pytest.mark.parametrize("name", ALL)
def test_on_cards(trainer: Trainer, accelerator: str, name: str) -> None:
    cards = find_cards(LocalHost(), accelerator).cards
    if not cards:
        pytest.skip(f"this machine has no card for {accelerator}")
    image = f"{accelerator}:dev"
    if trainer.engine.images.inspect(image) is None:
        pytest.skip(f"there is no {image}: envkit build preset:{accelerator}")
    trainer.image = image
    said = trainer.train(given(trainer, name), "--device", f"{accelerator}:{cards[0].index}", "--nproc", "1")
    assert said.code == 0, said.stderr
