"""What the real tests share: the engine, a browser, and one image that the real command line built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost
from tests.names import fresh
from tests.npu_sim import base as npu_sim
from tests.once import made_once

IMAGE = "envkit-test:dev"
ASCEND_IMAGE = "envkit-test-ascend:dev"
# As root Chromium has no sandbox; the rest keeps it from calling home on a machine without the internet.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SLOW_MS = 60_000  # VS Code's first page takes about 10 s on two idle cores

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
    with made_once("image"):
        envkit("build", "preset:cpu", "--tag", IMAGE)
    return IMAGE


@pytest.fixture(scope="session")
def ascend_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image for Ascend NPUs on a stand-in CANN, built and proven once (tests/npu_sim/base.py).

    ENVKIT_TEST_ASCEND_IMAGE names one that is there already.
    """
    given = os.environ.get("ENVKIT_TEST_ASCEND_IMAGE")
    if given:
        return given
    folder = tmp_path_factory.mktemp("ascend")
    (folder / "envkit.yaml").write_text(npu_sim.SPEC)
    words = (sys.executable, "-m", "tests.npu_sim.with_row", "build", str(folder), "--tag", ASCEND_IMAGE)
    root = Path(__file__).parents[2]
    with made_once("ascend-image"):
        npu_sim.build_base(connect(LocalHost()), LocalHost())
        done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return ASCEND_IMAGE


@dataclass(frozen=True, kw_only=True)
class Ide:
    """A running environment; its URL ends before `/lab` and `/vscode/`."""

    url: str
    token: str
    home: Path
    container: Container


@pytest.fixture(scope="session")
def ide(
    envkit: Envkit, engine: docker.DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ide]:
    """The image as `envkit up` starts it for the calling user, with an empty /work/home."""
    folder = tmp_path_factory.mktemp(fresh("ide"))  # a leftover's home may have had the path of any other
    name, home, cache = fresh("test"), folder / "home", folder / "cache"
    home.mkdir()
    cache.mkdir()
    try:
        folders = ("--home", str(home), "--cache", str(cache))
        opened = json.loads(envkit("up", image, "--name", name, *folders, "--json", "--show-token"))
        yield Ide(
            url=opened["urls"]["jupyterlab"].partition("/login?")[0],
            token=opened["token"],
            home=home,
            container=engine.containers.get(f"envkit-{name}"),
        )
    finally:
        envkit("rm", name, "--yes")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    expect.set_options(timeout=SLOW_MS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium: the system's, or else the one that `playwright install` brought."""
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
    yield browser
    browser.close()
