"""A push of a host: its engine sends, and asks the registry that it reaches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import OWNED
from envkit.hosts.ssh import SshHost
from envkit.image.push import PushWish, View, push
from tests.contract.conftest import rootfs
from tests.docker_registry import Registry
from tests.names import fresh
from tests.sshd import Sshd

pytestmark = pytest.mark.real


def test_the_engine_of_a_host_sends_and_proves(
    serve: Callable[..., Sshd], reach: Callable[..., SshHost], docker: Engine, tmp_path: Path
) -> None:
    host, notes, name = reach(serve()), [], f"{fresh('envkit-test-push')}:dev"
    made = docker.images.import_rootfs(rootfs(tmp_path, name), name, {OWNED: "true"})
    registry = Registry.start(tmp_path / "registry")
    try:
        repository = f"team/{fresh('lab')}"
        wish = PushWish(image=name, to=f"{registry.address}/{repository}:1")
        pushed = push(connect(host), host, wish, View(note=notes.append, sent=lambda sent: None))
        status, manifest = registry.manifest(repository, "1")
        assert docker.images.inspect(wish.to or "") is None
    finally:
        registry.stop()
        docker.images.untag(name)
    assert (pushed.image, pushed.sent, pushed.layers) == (made, 1, 1)
    assert (status, json.loads(manifest)["config"]["digest"]) == (200, made)
    assert pushed.digest == f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    assert "through the engine" in notes[0]
