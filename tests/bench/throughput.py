"""Training by `envkit train` in a container, beside the same script on the bare machine: steps a second.

On the CPU, and on one GPU where there is one. Both sides have the same torch, which is installed into a
virtual environment for the bare one. By itself: `python -m tests.bench.throughput`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.builds import ENVKIT, seconds
from tests.bench.smoke import GPU_IMAGE, IMAGE
from tests.bench.table import Row

_TIMES = 5
_SCRIPT = Path(__file__).parent / "programs" / "steps.py"
_RATE = re.compile(rb"([0-9.]+) steps/s")


def measure() -> list[Row]:
    """Build an image with torch, install the same torch beside it; return the rows."""
    rows = [_row("cpu", IMAGE)]
    if shutil.which("nvidia-smi"):
        rows.append(_row("cuda", GPU_IMAGE, "--device", "1"))
    return rows


def _row(preset: str, image: str, *device: str) -> Row:
    seconds([ENVKIT, "build", f"preset:{preset}", "--tag", image])
    with tempfile.TemporaryDirectory(prefix="envkit-bench-") as folder:
        home, cache = Path(folder) / "home", Path(folder) / "cache"
        home.mkdir()
        script = shutil.copy(_SCRIPT, home)
        bare = [_python(preset, Path(folder) / "bare"), script]
        words = ["--image", image, "--home", str(home), "--cache", str(cache), *device]
        ours = [ENVKIT, "train", *words, script]
        # By turns: what slows the machine down for a while slows both down.
        turns = [(_rate(ours), _rate(bare)) for _ in range(_TIMES)]
    return Row(
        what=f"training on {'one GPU' if device else 'the CPU'}",
        ours=max(one for one, _ in turns),  # the best: what is slower was slowed down by others
        baseline=max(one for _, one in turns),
        baseline_name="on the bare machine",
        goal=0.98,
        unit="steps/s",
        least=True,
    )


def _python(preset: str, folder: Path) -> str:
    """Return a Python of this machine that has the torch of the preset."""
    planned = subprocess.run([ENVKIT, "plan", f"preset:{preset}", "--json"], capture_output=True, check=True)
    torch = json.loads(planned.stdout)["torch"]
    index = ["--extra-index-url", torch["index"]] if torch["index"] else []
    seconds([sys.executable, "-m", "venv", str(folder)])
    seconds([f"{folder}/bin/python", "-m", "pip", "install", "-q", *index, *torch["requirements"]])
    return f"{folder}/bin/python"


def _rate(command: list[str]) -> float:
    done = subprocess.run(command, capture_output=True, check=False)
    found = _RATE.search(done.stdout)
    if done.returncode or found is None:
        raise SystemExit(f"{command}: exit {done.returncode}\n{done.stdout!r}\n{done.stderr!r}")
    return float(found[1])


if __name__ == "__main__":
    from tests.bench.table import markdown

    print(markdown(measure()))
