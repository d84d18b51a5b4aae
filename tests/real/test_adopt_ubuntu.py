"""`envkit adopt` on an image of Ubuntu: none can be had here, so Debian that says it is one stands in."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.names import fresh
from tests.real.conftest import Envkit
from tests.real.derived import derived

UBUNTU = "ubuntu:22.04"
SAYS = (
    "sed -i -e 's/^ID=.*/ID=ubuntu/' -e 's/^VERSION_ID=.*/VERSION_ID=22.04/' "
    "-e 's/^PRETTY_NAME=.*/PRETTY_NAME=\"Ubuntu 22.04 LTS\"/' /usr/lib/os-release"
)
LABEL = "io.envkit.test"


@pytest.fixture
def theirs(engine: docker.DockerClient, debian: str) -> Iterator[str]:
    """An image on it, with a Python of its own; the tools are built on what answers to Ubuntu's name."""
    held = engine.images.list(UBUNTU)
    if held and held[0].labels.get(LABEL) != "ubuntu":
        pytest.skip(f"a real {UBUNTU} is here: the stand-in would take its name")
    text = f"FROM {debian}\nLABEL {LABEL}=ubuntu\nRUN {SAYS}\n"
    engine.images.build(fileobj=io.BytesIO(text.encode()), tag=UBUNTU, rm=True)
    try:
        with derived(Path(__file__).with_name("adopt") / "root", UBUNTU) as name:
            yield name
    finally:
        engine.images.remove(UBUNTU)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", [(), ("--by-commit",)], ids=["build", "commit"])
def test_an_image_of_ubuntu_is_adopted_and_proven(
    envkit: Envkit, engine: docker.DockerClient, theirs: str, way: tuple[str, ...]
) -> None:
    tag = f"{fresh('envkit-test-ubuntu')}:dev"
    adopted = json.loads(envkit("adopt", theirs, "--tag", tag, *way, "--json"))
    try:
        outcomes = {item["outcome"] for item in adopted["built"]["verdict"]["items"]}
        assert outcomes == {"passed", "not-applicable"}
        say = "import own, sys; print(own.WORD, sys.base_prefix)"
        said = engine.containers.run(tag, ["python", "-c", say], remove=True).decode().split()
        assert said == ["conda", "/root/conda"]
        assert json.loads(envkit("inspect", tag, "--json"))["manifest"]["os"] == "Ubuntu 22.04 LTS"
    finally:
        engine.images.remove(tag)
