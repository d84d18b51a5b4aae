"""The whole way: install, save, send, remove, fetch, start again; and train in what came back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from tests.docker_registry import Registry
from tests.names import fresh
from tests.real.conftest import Envkit
from tests.real.save.environments import run_in
from tests.wheels import make_wheel

pytestmark = pytest.mark.real

SCRIPT = "import kept_package, pathlib; print('kept', pathlib.Path('/opt/mine/file').read_text())\n"
# A package of apt's that needs no mirror.
INSTALL = """
mkdir -p /tmp/deb/DEBIAN /tmp/deb/usr/share/kept
printf 'Package: kept-deb\\nVersion: 1.2\\nArchitecture: all\\nMaintainer: t <t@t>\\nDescription: t\\n' \
    >/tmp/deb/DEBIAN/control
echo kept >/tmp/deb/usr/share/kept/file
dpkg-deb --build /tmp/deb /tmp/kept.deb >&2
apt-get install -y /tmp/kept.deb >&2
mkdir /opt/mine; printf kept >/opt/mine/file
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry of the test's own."""
    made = Registry.start(tmp_path / "registry")
    yield made
    made.stop()


@pytest.fixture
def names(envkit: Envkit, ours: Engine, registry: Registry) -> Iterator[tuple[str, str]]:
    """The environment's name, and the image's in the registry; both go."""
    name = fresh("trip")
    tag = f"{registry.address}/tests/{name}:1"
    yield name, tag
    if ours.containers.inspect(f"envkit-{name}"):
        envkit("rm", name, "--yes")
    ours.images.untag(tag)


def test_what_was_promised_comes_back_and_what_was_not_does_not(
    envkit: Envkit, ours: Engine, image: str, names: tuple[str, str], tmp_path: Path
) -> None:
    name, tag = names
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    other.mkdir()
    wheel = make_wheel(home, "kept-package", "3.4")
    (home / "mine.txt").write_text("stays here\n")
    folders = ("--cache", str(tmp_path / "cache"))
    envkit("up", image, "--name", name, "--home", str(home), *folders)
    envkit("exec", name, "--", "pip", "install", "--no-index", f"/work/home/{wheel.name}")
    run_in(ours, f"envkit-{name}", INSTALL)
    spec = tmp_path / "envkit.yaml"
    spec.write_text("# why\nname: trip\nextends: [preset:cpu]\n")

    told = json.loads(envkit("commit", name, tag, "--json", "--to-spec", str(spec)))
    assert told["verdict"]["image"]
    assert "# why" in spec.read_text()
    assert "apt: [kept-deb=1.2]" in spec.read_text()
    assert any(
        f"kept-package 3.4 came from file:///work/home/{wheel.name}" in line for line in told["spec"]["left"]
    )
    envkit("rm", name, "--yes")
    envkit("push", tag, "--json")
    envkit("rmi", tag)
    assert ours.images.inspect(tag) is None
    envkit("pull", tag)

    envkit("up", tag, "--name", name, "--home", str(other), *folders)  # both IDEs have answered
    here = run_in(ours, f"envkit-{name}", "cat /opt/mine/file /usr/share/kept/file; ls /work/home /tmp")
    assert here.startswith("keptkept")
    for gone in ("mine.txt", "kept.deb"):
        assert gone not in here
    (other / "train.py").write_text(SCRIPT)
    assert "kept kept" in envkit("train", str(other / "train.py"), "--env", name)
