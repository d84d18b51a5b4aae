"""A script that the manual made for NPUs, where there is none: its lines stay harmless, and lie to nobody."""

from __future__ import annotations

import pytest

from tests.real.train.conftest import Trainer

pytestmark = pytest.mark.real

# platform.md, FAQ 3: the five lines that the manual puts on top of a train.py for GPUs.
MANUAL = """\
import time
import torch
import torch_npu
from torch_npu.npu import amp
from torch_npu.contrib import transfer_to_npu
"""
LOOP = """
import importlib.util, sys
device = "cuda" if torch.cuda.is_available() else "cpu"
model = torch.nn.Linear(4, 1).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = amp.GradScaler(enabled=device == "cuda")
for step in range(3):
    with amp.autocast(enabled=device == "cuda"):
        loss = model(torch.ones(8, 4, device=device)).square().mean()
    scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update()
# What libraries ask, after those lines as before them.
print("found", importlib.util.find_spec("torch_npu"), "torch_npu" in sys.modules, hasattr(torch, "npu"))
"""
GUARDED = """
try:
    import torch_npu
except ImportError:
    print("none")
import neighbour
"""


def test_the_manuals_five_lines_are_harmless_without_an_npu(trainer: Trainer) -> None:
    told = trainer.train(trainer.script(MANUAL + LOOP))
    assert told.code == 0, told.stdout.decode()
    text = told.stdout.decode()
    assert "found None False False" in text
    assert text.count("imports torch_npu, which is not here, and not needed on cpu") == 1
    assert "warning" not in told.stderr


def test_the_lines_of_a_module_are_harmless_too(trainer: Trainer) -> None:
    module = trainer.script(MANUAL + LOOP, "pkg/__main__.py")
    told = trainer.train("-m", "pkg", cwd=module.parent.parent)
    assert told.code == 0, told.stdout.decode()
    text = told.stdout.decode()
    assert "found None False False" in text and text.count("those lines do nothing") == 1


def test_who_asks_first_is_told_that_there_is_none(trainer: Trainer) -> None:
    script = trainer.script(GUARDED)
    (script.parent / "neighbour.py").write_text("import torch_npu\n")
    told = trainer.train(script)
    text = told.stdout.decode()
    assert told.code == 8 and "none" in text and "neighbour.py" in text
    assert "ModuleNotFoundError: No module named 'torch_npu'" in text
