"""A build is killed where images get and lose names: it converges, and nothing unproven has the name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost
from tests.faults.proxy import Do, Proxy, Rule

pytestmark = pytest.mark.real

ENVKIT = str(Path(sys.executable).with_name("envkit"))
TAG = "/images/.*/tag"
UNTAG = "/images/envkit-unverified/.*"
# The first name is the build's own for a while, the second the user's.
POINTS: tuple[tuple[str, str, Do, int, bool], ...] = (
    ("POST", TAG, "block-after", 1, False),
    ("DELETE", UNTAG, "block-before", 1, False),
    ("POST", TAG, "block-before", 2, False),
    ("POST", TAG, "block-after", 2, True),
)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """What stands before the engine, and can hold a call."""
    address = connect(LocalHost()).address
    if not address.startswith("unix://"):
        pytest.skip(f"the engine is at {address}: the proxy stands before a socket")
    made = Proxy(Path("/tmp", f"envkit-p-{os.getpid()}.sock"), address.removeprefix("unix://"))
    yield made
    made.close()
    Path(made.url.removeprefix("unix://")).unlink()


@pytest.fixture
def wanted(image: str, engine: docker.DockerClient, tmp_path: Path) -> Iterator[tuple[list[str], str]]:
    """The words that build an image nobody has built, in seconds: only its last layers are new."""
    tag = f"envkit-test-killed:{uuid.uuid4().hex[:8]}"
    spec = tmp_path / "envkit.yaml"
    spec.write_text(f"extends: preset:cpu\nname: killed\nlabels: {{org.example.try: {tag}}}\n")
    yield [ENVKIT, "build", str(spec), "--tag", tag, "--no-verify"], tag
    for one in engine.images.list():
        for name in one.tags:
            if name == tag or name.startswith("envkit-unverified/killed:"):
                engine.images.remove(name)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: " ".join(map(str, point)))
def test_killed_where_names_change_it_converges(
    point: tuple[str, str, Do, int, bool],
    proxy: Proxy,
    wanted: tuple[list[str], str],
    engine: docker.DockerClient,
    tmp_path: Path,
) -> None:
    (method, path, do, occurrence, is_done), (words, tag) = point, wanted
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    rule = proxy.break_at(Rule(do=do, method=method, path=path, occurrence=occurrence))
    with (tmp_path / "log").open("wb") as log:
        build = subprocess.Popen(
            words,
            env={**environment, "DOCKER_HOST": proxy.url},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        assert rule.reached.wait(600), (tmp_path / "log").read_text()
        os.killpg(build.pid, signal.SIGKILL)
        build.wait(60)
    proxy.mend()
    assert bool(named(engine, tag)) == is_done
    told = json.loads(run([ENVKIT, "gc", "--dry-run", "--json"], environment))
    left = [one for one in told["found"] if one["name"].startswith("envkit-unverified/killed:")]
    assert [one["kind"] for one in left] == ["build's name"] * len(named(engine, "envkit-unverified/killed"))
    run(words, environment)
    assert named(engine, tag)
    assert not list(tmp_path.glob("envkit-tmp-*"))


def named(engine: docker.DockerClient, name: str) -> list[str]:
    """Return the tags that begin so."""
    return [tag for one in engine.images.list() for tag in one.tags if tag.startswith(name)]


def run(words: list[str], environment: dict[str, str]) -> str:
    """Run it to its end; return what it printed."""
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
