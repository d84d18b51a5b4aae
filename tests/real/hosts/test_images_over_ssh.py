"""A host's images as a user meets them: listed, offered by TAB, kept while somebody uses them, removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.values import RunRequest
from envkit.hosts import registry
from envkit.hosts.registry import HostEntry
from tests.names import fresh
from tests.real.hosts.conftest import IMAGE
from tests.sshd import Sshd

pytestmark = pytest.mark.real
ENVKIT = str(Path(sys.executable).with_name("envkit"))


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it as a user of the host `box` does."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        [ENVKIT, *words, *(() if variables else ("--host", "box"))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )


def test_an_image_of_a_host_goes_when_nobody_uses_it(
    serve: Callable[..., Sshd], home: Callable[..., Path], docker: Engine
) -> None:
    server, name = serve(), f"{fresh('envkit-test-stock')}:dev"
    home(server)
    registry.add(HostEntry(name="box", target=server.target))
    text = f"FROM {IMAGE}\nLABEL io.envkit.test={name}\n"
    subprocess.run(["docker", "build", "-qt", name, "-"], input=text, text=True, check=True, timeout=120)
    request = RunRequest(image=name, entrypoint=("sleep",), command=("600",), name=name[:-4])
    container = docker.containers.create(request)
    try:
        docker.containers.start(container)
        listed = run("images")
        shown = next(one for one in json.loads(run("images", "--json").stdout) if name in one["names"])
        assert name in listed.stdout
        assert f"container {name[:-4]}" in shown["used_by"]
        asked = {"COMP_WORDS": f"envkit rmi --host box {name[:-6]}", "COMP_CWORD": "4"}
        assert f"plain,{name}\n" in run(**asked, _ENVKIT_COMPLETE="bash_complete").stdout
        kept = run("rmi", name)
        assert kept.returncode == 1 and f"{name} is in use by container {name[:-4]}" in kept.stderr, kept
        assert f"`docker stop {name[:-4]}` and `docker rm {name[:-4]}` first" in kept.stderr
        docker.containers.remove(container)
        gone = run("rmi", name)
        assert (gone.returncode, gone.stderr) == (0, f"{name} is removed\n")
        assert docker.images.inspect(name) is None
    finally:
        docker.containers.remove(container)
        docker.images.untag(name)
