"""Who computes: cpu, cuda, ascend behind one interface."""

from __future__ import annotations

from envkit.accelerators.ascend import Ascend
from envkit.accelerators.base import Accelerator
from envkit.accelerators.cpu import Cpu
from envkit.accelerators.cuda import Cuda

ACCELERATORS: dict[str, Accelerator] = {
    "cpu": Cpu(),
    "cuda": Cuda(),
    "ascend": Ascend(),
}
