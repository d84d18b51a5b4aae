"""What the real tests share: the engine, and one image that the real command line built."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

IMAGE = "envkit-test:dev"
READY_S = 120  # two cores, shared with whatever else runs


Envkit = Callable[..., str]


@pytest.fixture(scope="session")
def envkit() -> Envkit:
    """The command line as a user has it: `envkit("ps", "--json")` returns what it prints on stdout."""
    program = str(Path(sys.executable).with_name("envkit"))

    def run(*words: str, timeout_s: float = 3600, directory: Path | None = None) -> str:
        done = subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=timeout_s, cwd=directory, check=False
        )
        if done.returncode:
            pytest.fail(f"envkit {' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    return run


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of the engine that `make test` started."""
    client = docker.from_env()
    client.ping()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(envkit: Envkit) -> str:
    """The preset `cpu`, built and proven once; nothing is built when nothing changed.

    ENVKIT_TEST_IMAGE names one that is there already, to try a single test without a build.
    """
    given = os.environ.get("ENVKIT_TEST_IMAGE")
    if given:
        return given
    envkit("build", "preset:cpu", "--tag", IMAGE)
    return IMAGE


@dataclass(frozen=True, kw_only=True)
class Ide:
    """A running IDE container."""

    url: str
    token: str
    home: Path
    container: Container


@pytest.fixture(scope="session")
def ide(engine: docker.DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ide]:
    """The image, started as the calling user with an empty /work/home, both IDEs answering."""
    home = tmp_path_factory.mktemp("home")
    container = engine.containers.run(
        image,
        detach=True,
        user=f"{os.getuid()}:{os.getgid()}",
        group_add=["0"],
        ports={"8888/tcp": ("127.0.0.1", None)},
        tmpfs={"/run/secrets": f"mode=0700,uid={os.getuid()},gid={os.getgid()}"},
        volumes={str(home): {"bind": "/work/home", "mode": "rw"}},
        labels={"io.envkit.test": "ide"},
    )
    try:
        wait_until_ready(container)
        container.reload()
        port = container.ports["8888/tcp"][0]["HostPort"]
        token = container.exec_run(["cat", "/run/secrets/jupyter_token"]).output.decode()
        yield Ide(url=f"http://127.0.0.1:{port}", token=token, home=home, container=container)
    finally:
        container.remove(force=True, v=True)


def wait_until_ready(container: Container) -> None:
    """Wait until every service of the container answers."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        status = container.exec_run(["/opt/envkit/bin/envkit-status"])
        if status.exit_code == 0:
            return
        time.sleep(0.5)
    pytest.fail(f"not ready after {READY_S} s: {status.output!r}\n{container.logs(tail=40).decode()}")
