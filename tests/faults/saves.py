"""A tiny image on the tests' own engine, environments of it, and what `envkit` leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container

from envkit.plan.run_plan import container_name

TINY = "envkit-test-tiny:dev"
PATIENCE_S = 90.0


def made(engine: docker.DockerClient, image: str, name: str) -> Container:
    """Start an environment with what `up` tells one."""
    labels = {
        "io.envkit.container": "true",
        "io.envkit.owned": "true",
        "io.envkit.kind": "environment",
        "io.envkit.environment": name,
        "io.envkit.run": json.dumps({"image": image, "device": "cpu"}),
    }
    env = {"ENVKIT_NAME": name, "ENVKIT_BASE_URL": f"/env/{name}"}
    found: Container = engine.containers.run(
        image, detach=True, name=container_name(name), user="1234:1234", environment=env, labels=labels
    )
    return found


def write(container: Container, script: str) -> str:
    """Run a shell's script in it as root; return what it prints."""
    code, said = container.exec_run(["sh", "-euc", script], user="0:0")
    assert code == 0, said
    return str(said.decode())


def until(true: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@dataclass(frozen=True)
class Left:
    """What there is on an engine and on the disk."""

    containers: frozenset[str]
    images: frozenset[str]  # and their names
    folders: frozenset[str]


def left(engine: docker.DockerClient, folder: Path) -> Left:
    """Look."""
    images = engine.images.list(all=True)
    return Left(
        containers=frozenset(one.id for one in engine.containers.list(all=True, ignore_removed=True)),
        images=frozenset(name for one in images for name in (one.id, *one.tags)),
        folders=frozenset(str(path) for path in folder.iterdir()),
    )
