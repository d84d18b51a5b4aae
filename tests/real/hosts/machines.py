"""For runs on several nodes: an image that starts in no time, and who trains with it on boxes."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from tests.boxes import Box
from tests.real.train.conftest import PROGRAM, Trainer, until
from tests.tars import tar_of

IMAGE = "envkit-test-nodes:dev"
_STAND_IN = Path(__file__).with_name("torch_stand_in")
_PYTHONPATH = "/usr/lib/torch-stand-in"
# The IDE image's Python with its library, some programs, and what all of them load.
_PACK = r"""
python=$(readlink -f "$(command -v python3)")
library=$("$python" -Ic 'import os; print(os.path.dirname(os.__file__))')
programs=$(for one in sh base64 cat chmod dirname env grep ls mkdir mv rm sleep; do command -v $one; done)
loaded=$(ldd $programs "$python" "$library"/lib-dynload/*.so |
    sed -n 's,.*=> \(/[^ ]*\) .*,\1,p; s,^[[:space:]]*\(/[^ ]*\) (.*,\1,p' | sort -u)
exec tar -ch --exclude test --exclude idlelib --exclude lib2to3 --exclude pydoc_data \
    --exclude '*-packages' --exclude ensurepip \
    --transform "s,^${python#/}$,usr/bin/python3," $programs "$python" "$library" $loaded
"""


def make_image(from_image: str) -> bytes:
    """Make the nodes' image of an IDE image's Python; return it as `docker load` takes it."""
    words = ["docker", "run", "--rm", "--network=none", "--entrypoint=sh", from_image, "-c", _PACK]
    packed = subprocess.run(words, capture_output=True, check=True, timeout=120).stdout
    layer = io.BytesIO(packed)
    with tarfile.open(fileobj=layer, mode="a") as archive:
        archive.add(_STAND_IN, arcname=_PYTHONPATH.strip("/"))
    config = {
        "architecture": docker.from_env().version()["Arch"],
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin:/bin", f"PYTHONPATH={_PYTHONPATH}"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"]},
    }
    return _saved({"config.json": json.dumps(config).encode(), "layer.tar": layer.getvalue()}, IMAGE)


def _saved(files: dict[str, bytes], name: str) -> bytes:
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    return tar_of({"manifest.json": json.dumps(manifest).encode(), **files})


@dataclass
class Nodes(Trainer):
    """Runs `envkit train --nodes` on boxes; `box1` and `box2` are their names."""

    boxes: tuple[Box, ...] = ()

    def words(self, *words: str | Path, own: bool = True) -> list[str]:
        """Return the command line: the image's Python is known, and the folders are the nodes' own."""
        place = ["--image", IMAGE, "--python", "/usr/bin/python3"] if own else []
        return [PROGRAM, "train", "--name", self.name, *place, *map(str, words)]

    def place(self, text: str) -> str:
        """Write a script into every box's home; return its path."""
        for box in self.boxes:
            folder = box.home / "proj"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "train.py").write_text(text)
        return "/root/envkit/home/proj/train.py"

    def part(self, rank: int) -> Path:
        """Return the folder of a node's part, on its own machine."""
        return self.boxes[rank].home / "task" / (f"{self.name}-node{rank}" if rank else self.name)

    def log_of(self, rank: int, attempt: int = 1) -> str:
        """Return what a node's rank of the same number has printed."""
        path = self.part(rank) / "attempts" / str(attempt) / f"rank-{rank}.log"
        return path.read_text() if path.exists() else ""

    def end_of(self, rank: int, attempt: int = 1) -> dict[str, Any]:
        """Return how a node's part ended, once it has."""
        path = self.part(rank) / "attempts" / str(attempt) / "end.json"
        until(path.exists, f"{path} is not written")
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Return once the script prints `ready` on every node."""
        ready = lambda: all("ready" in self.log_of(rank) for rank in range(len(self.boxes)))  # noqa: E731
        until(lambda: process.poll() is not None or ready(), "the scripts do not begin")
        assert process.poll() is None, process.communicate()

    def kill_supervisor(self, rank: int) -> None:
        """Kill the first process of a node's container, as the kernel does when memory is short."""
        with closing(self.boxes[rank].engine()) as engine:
            (name,) = self.containers(rank)
            self.boxes[rank].run("kill", "-KILL", str(engine.containers.get(name).attrs["State"]["Pid"]))

    def containers(self, rank: int) -> list[str]:
        """Return the run's containers on a node."""
        with closing(self.boxes[rank].engine()) as engine:
            found = engine.containers.list(all=True, filters={"label": "io.envkit.run"})
            return [one.name for one in found if self.name in str(one.name)]

    def load_here(self) -> None:
        """Give this machine's own engine the image, too."""
        with closing(docker.from_env()) as engine:
            engine.images.load(self.boxes[0].image)
