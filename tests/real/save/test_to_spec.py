"""The way out of a snapshot: the spec that a save writes builds an image with the same packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.image.diff import compare
from envkit.image.inventory import collect, manifest_of
from envkit.save.commit import plan
from envkit.save.plan import CommitOptions
from envkit.save.to_spec import write
from tests.names import fresh
from tests.real.conftest import Envkit
from tests.real.save.environments import environment, run_in, save, with_index
from tests.wheels import make_wheel

pytestmark = pytest.mark.real

# Without torch and code-server, and nothing is proven: it is the packages that are tried.
SPEC = """\
# The team's.
name: {name}
base: debian:12
python: "3.11"
apt: [tree]  # for listings
pip:
  # newer ones broke us
  - humanize==4.9.0  # why
  - attrs
ide: {{code_server: false}}
services: {{tensorboard: false}}
"""
# zip recommends unzip, which a user's apt takes along and a build's does not.
INSTALL = (
    "apt-get update >&2",
    "apt-get install -y zip >&2",
    "apt-get purge -y tree >&2",
    "pip install idna==3.4 >&2",
    "pip install -U idna==3.7 humanize >&2",
    "pip uninstall -y attrs >&2",
    "pip install --no-index /tmp/own-0.3-py3-none-any.whl >&2",
)
PACKAGES = ("apt", "pip", "tools_pip", "npm", "extensions")


@pytest.fixture
def name(ours: Engine) -> Iterator[str]:
    """The environment's name, and of three images, which go."""
    made = f"envkit-test-{fresh('spec')}"
    yield made
    for tag in ("dev", "kept", "again"):
        ours.images.untag(f"{made}:{tag}")


def install(engine: Engine, container: str, wheel: Path) -> None:
    """Install as a user does, with what this machine needs to reach an index."""
    engine.inside.put(container, {f"/tmp/{wheel.name}": wheel.read_bytes()})
    words = with_index(engine, container)
    for line in INSTALL:
        run_in(engine, container, f"export DEBIAN_FRONTEND=noninteractive\n{words}{line}")


def test_the_spec_that_is_written_builds_an_image_with_the_same_packages(
    envkit: Envkit, ours: Engine, name: str, tmp_path: Path
) -> None:
    spec = tmp_path / "envkit.yaml"
    spec.write_text(SPEC.format(name=name))
    envkit("build", str(spec), "--no-verify")
    with environment(ours, f"{name}:dev", name) as container:
        install(ours, container, make_wheel(tmp_path, "own", "0.3"))
        asked = CommitOptions(tag=f"{name}:kept", to_spec=str(spec))
        _, change = plan(ours, name, asked)
        save(ours, name, asked)
    assert change
    assert [line.partition(" came from")[0] for line in change.left if line.startswith("pip")] == [
        "pip: own 0.3"
    ]
    write(change)
    for comment in ("# The team's.", "# for listings", "# newer ones broke us", "# why"):
        assert comment in spec.read_text()
    envkit("build", str(spec), "--no-verify", "--tag", f"{name}:again")
    kept, again = collect(ours, f"{name}:kept"), manifest_of(ours, f"{name}:again")
    differ = [one for one in compare(kept, again).changes if one.group in PACKAGES]
    assert [(one.group, one.name, one.after) for one in differ] == [("pip", "own", None)]
    assert (kept.pip["idna"], "unzip" in again.apt, "attrs" in again.pip) == ("3.7", True, False)
