"""The smoke test on a CPU, beside a bare script that multiplies two matrices in the same image.

On a GPU also the share of its published peak that the suite reaches, beside what the best public measuring
program reached on such a card.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from envkit.smoke import peaks
from tests.bench.builds import ENVKIT, seconds
from tests.bench.table import Row

IMAGE = "envkit-bench:torch"
BARE = "import torch; x = torch.randn(1024, 1024); print(float((x @ x).sum()))"
GPU_IMAGE = "envkit-bench:cuda"


def measure() -> list[Row]:
    """Build an image with torch, then measure both; a GPU where there is one."""
    seconds([ENVKIT, "build", "preset:cpu", "--tag", IMAGE])
    return [
        Row(
            what="smoke --quick, on the CPU",
            ours=seconds([ENVKIT, "smoke", IMAGE, "--quick"]),
            baseline=seconds(["docker", "run", "--rm", IMAGE, "python", "-c", BARE]),
            baseline_name="one product in torch",
            goal=30,
            absolute=True,
        ),
        *(measure_gpu() if shutil.which("nvidia-smi") else []),
    ]


def measure_gpu() -> list[Row]:
    """Build an image for the GPU, and measure how much of its peak the suite reaches."""
    seconds([ENVKIT, "build", "preset:cuda", "--tag", GPU_IMAGE])
    words = [ENVKIT, "smoke", GPU_IMAGE, "--device", "1", "--only", "matmul speed", "--json"]
    return of_gpu(json.loads(subprocess.run(words, capture_output=True, text=True, check=False).stdout))


def of_gpu(report: Mapping[str, Any]) -> list[Row]:
    """Return the row of a report; none where nothing is published of the card, or nobody has measured it."""
    (name, *_) = report["subject"]["cards"] or [""]
    peak = peaks.of(name)
    found = [
        one["facts"]["tflops"] for one in report["results"] if one["id"] == "matmul speed" and one["facts"]
    ]
    if peak is None or peak.measured is None or not found:
        return []
    return [
        Row(
            what=f"matmul's share of the published peak, {name}",
            ours=100 * found[0] / peak.tflops,
            baseline=100 * peak.measured / peak.tflops,
            baseline_name="mamf-finder",
            goal=0.9,
            unit="%",
            least=True,
        )
    ]
