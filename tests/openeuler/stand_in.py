"""Build the stand-in for openEuler's image, and the repository that stands where openEuler's would.

It answers to openEuler's own name while a test runs: no registry gives the real one here, and the tools are
built on it. What it is and is not: the Dockerfile beside this file, and packages.sh.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from envkit.engines.base import Engine
from envkit.engines.values import BuildRequest
from envkit.hosts.base import Host
from envkit.image.base import find_base
from envkit.image.network import read_network
from envkit.plan.network import for_base, script
from tests.npu_sim.base import REFERENCE as CANN_ON_DEBIAN

IMAGE = "openeuler/openeuler:24.03"
CANN = "envkit-test/ascend/cann:9.1.0-910b-openeuler24.03-py3.11"
LABELS = {"io.envkit.kind": "test", "io.envkit.test": "openeuler"}


@contextmanager
def standing_in(engine: Engine, host: Host, *targets: str, chip: str = "910b") -> Iterator[dict[str, str]]:
    """Build these stages of the Dockerfile beside `base`; yield their images' ids by name.

    `base` is called IMAGE and `cann` CANN until the end, when all are gone; a real IMAGE is never replaced.
    """
    held = engine.images.inspect(IMAGE)
    if held is not None and held.labels.get("io.envkit.test") != "openeuler":
        pytest.skip(f"a real {IMAGE} is here: the stand-in would take its name")
    find_base("debian:12", engine, host, lambda line: None)
    made = {target: _build(engine, host, target) for target in ("base", *targets)}
    tags = {"base": IMAGE, "cann": CANN.replace("910b", chip)}
    named = [(image, tags.get(target, f"envkit-test/openeuler:{target}")) for target, image in made.items()]
    try:
        for image, name in named:
            engine.images.tag(image, name)
        yield made
    finally:
        for _, name in named:
            engine.images.untag(name)


def take_repository(image: str, folder: Path) -> None:
    """Copy the repository out of a stage that made it, into the folder that a server shows."""
    client = docker.from_env()
    container = client.containers.create(image, ["true"], labels=LABELS)
    try:
        chunks, _ = container.get_archive("/repository/.")
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            file.writelines(chunks)
            file.flush()
            shutil.unpack_archive(file.name, folder)
    finally:
        container.remove()
        client.close()


def _build(engine: Engine, host: Host, target: str) -> str:
    network = for_base(read_network(host, os.environ), "debian:12")
    with tempfile.TemporaryDirectory(prefix="openeuler-") as scratch:
        folder, secret = Path(scratch) / "context", Path(scratch) / "net"
        shutil.copytree(Path(__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
        dockerfile = folder / "Dockerfile"
        text = dockerfile.read_text("utf-8").replace("--from=CANN", f"--from={CANN_ON_DEBIAN}")
        dockerfile.write_text(text, "utf-8")
        secret.touch(mode=0o600)
        secret.write_text(script(network), encoding="utf-8")
        request = BuildRequest(context=folder, target=target, secrets={"envkit-net": secret}, labels=LABELS)
        return engine.builder.build(request, lambda event: None)
