"""The smoke test on a CPU, beside a bare script that multiplies two matrices in the same image."""

from __future__ import annotations

from tests.bench.builds import ENVKIT, seconds
from tests.bench.table import Row

IMAGE = "envkit-bench:torch"
BARE = "import torch; x = torch.randn(1024, 1024); print(float((x @ x).sum()))"


def measure() -> list[Row]:
    """Build an image with torch, then measure both."""
    seconds([ENVKIT, "build", "preset:cpu", "--tag", IMAGE])
    return [
        Row(
            what="smoke --quick, on the CPU",
            ours=seconds([ENVKIT, "smoke", IMAGE, "--quick"]),
            baseline=seconds(["docker", "run", "--rm", IMAGE, "python", "-c", BARE]),
            baseline_name="one product in torch",
            goal=30,
            absolute=True,
        )
    ]
