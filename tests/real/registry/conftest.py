"""Registries of the tests' own, docker's configuration of each test's own, and an image that nobody has."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import OWNED
from envkit.hosts.local import LocalHost
from tests.docker_registry import Registry
from tests.names import fresh
from tests.registry_faults import Faults

USER = "ada:secret"
SIZE = 1_500_000  # of random bytes: what compresses to nothing arrives before it can be cut


@dataclass
class Desk:
    """Somebody who pushes: with an image, and docker's own configuration."""

    engine: Engine
    image: str
    identity: str
    config: Path

    def log_in(self, registry: str, user: str = USER) -> None:
        known = json.loads(self.config.read_text("utf-8")) if self.config.exists() else {"auths": {}}
        known["auths"][registry] = {"auth": base64.b64encode(user.encode()).decode()}
        self.config.write_text(json.dumps(known), encoding="utf-8")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as a user does; a push through the engine, unless it says otherwise."""
        if words[0] == "push" and "--way" not in words:
            words = (*words, "--way", "engine")
        program = str(Path(sys.executable).with_name("envkit"))
        return subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=300, check=False, env=os.environ
        )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    engine, name = connect(LocalHost()), f"{fresh('envkit-test-push')}:dev"
    tar, folder = tmp_path / "root.tar", tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    with tarfile.open(tar, "w") as archive:
        entry = tarfile.TarInfo("data")
        entry.size = SIZE
        archive.addfile(entry, io.BytesIO(os.urandom(SIZE)))
    identity = engine.images.import_rootfs(tar, name, {OWNED: "true", "io.envkit.kind": "image"})
    yield Desk(engine=engine, image=name, identity=identity, config=folder / "config.json")
    left = engine.images.inspect(identity)
    for reference in left.tags if left else ():
        engine.images.untag(reference)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One that takes everything from everybody."""
    made = Registry.start(tmp_path_factory.mktemp("registry"))
    yield made
    made.stop()


@pytest.fixture
def faults(registry: Registry) -> Iterator[Faults]:
    """A proxy before it."""
    made = Faults(registry.address)
    yield made
    made.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    """Start registries; they end with the test."""
    started: list[Registry] = []

    def make(**settings: object) -> Registry:
        started.append(Registry.start(tmp_path / f"registry{len(started)}", **settings))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for one in started:
        one.stop()
