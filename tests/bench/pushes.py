"""Pushing to a registry on this machine, beside `docker push` of the same image."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.bench.builds import ENVKIT, OURS, seconds
from tests.bench.table import Row
from tests.docker_registry import Registry


def measure(image: str = OURS) -> list[Row]:
    """Push the image to registries that know nothing, by each way, then once more where all is there."""
    with tempfile.TemporaryDirectory(prefix="envkit-bench-") as folder:
        first, again = _docker(image, Path(folder) / "plain")
        ours = {way: _envkit(image, Path(folder) / way, way) for way in _ways()}
    name = "docker push"
    rows = [
        Row(what=f"push, {way}", ours=found[0], baseline=first, baseline_name=name, goal=1.1)
        for way, found in ours.items()
    ]
    last = ours["engine"][1]
    return [*rows, Row(what="push again", ours=last, baseline=again, baseline_name=name, goal=2, more=True)]


def _ways() -> tuple[str, ...]:
    return ("engine", "skopeo") if shutil.which("skopeo") else ("engine",)


def _docker(image: str, folder: Path) -> tuple[float, float]:
    registry = Registry.start(folder)
    name = f"{registry.address}/bench/image:1"
    try:
        subprocess.run(["docker", "tag", image, name], check=True)
        first, again = (seconds(["docker", "push", name]) for _ in range(2))
    finally:
        subprocess.run(["docker", "rmi", name], check=True, capture_output=True)
        registry.stop()
        shutil.rmtree(folder)
    return first, again


def _envkit(image: str, folder: Path, way: str) -> tuple[float, float]:
    registry = Registry.start(folder)
    words = [ENVKIT, "push", image, "--to", f"{registry.address}/bench/image:1", "--way", way]
    try:
        first, again = (seconds(words) for _ in range(2))
    finally:
        registry.stop()
        shutil.rmtree(folder)
    return first, again
