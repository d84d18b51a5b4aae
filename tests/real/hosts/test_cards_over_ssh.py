"""A host's cards are shown, and tried, over SSH."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.container.maker import is_this_process, maker_of
from envkit.container.temporary import LABELS, running
from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import RunRequest
from envkit.environment.devices import devices
from envkit.environment.up import Site
from envkit.hosts.ssh import SshHost
from envkit.smoke.run import smoke, smoke_here
from envkit.smoke.target import Wish
from tests.sshd import Sshd

pytestmark = pytest.mark.real

OUTPUTS = Path(__file__).resolve().parents[2] / "card_outputs"
UUID = "GPU-3f6d0a51-6e4b-4f0c-9a57-1f2f6a3d9c10"  # the first of nvidia-smi-535-h100.csv
TOOL = f"""#!/bin/sh
case "$*" in
*index,uuid*) cat {OUTPUTS}/nvidia-smi-535-h100.csv ;;
topo*) cat {OUTPUTS}/nvidia-smi-topo-two.txt ;;
*) exit 1 ;;
esac
"""


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_hosts_cards_are_found_by_its_tools_and_who_has_them_by_its_engine(
    serve: Callable[..., Sshd], reach: Callable[..., SshHost], docker: Engine, tmp_path: Path, transport: str
) -> None:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("this machine has cards of its own")
    program(tmp_path / "bin" / "nvidia-smi", TOOL)
    there = reach(serve(SetEnv=f"PATH={tmp_path}/bin:/usr/bin:/bin"), transport)
    holder = "a smoke test of lab:dev"
    labels = {"io.envkit.cards": UUID, "io.envkit.card-holder": holder}
    asked = RunRequest(image="envkit-test-hosts:dev", entrypoint=("sleep",), command=("600",), labels=labels)
    with running(docker, asked):
        found = devices(there, connect)
    assert [(one.name, one.state, one.why, dict(one.card.links)) for one in found.devices] == [
        ("cuda:0", "used", f"{holder} has it", {1: "NV12"}),
        ("cuda:1", "free", "", {0: "NV12"}),
    ]
    assert found.note == ""


def test_an_image_and_a_python_of_a_host_are_tried_there(
    place_at: Callable[..., tuple[Site, Sshd]], image: str, docker: Engine, tmp_path: Path
) -> None:
    site, _ = place_at("openssh")
    heard: list[str] = []
    wish = Wish(target=image, tier="quick", only=("conv",))
    report = smoke(site, wish, lambda result: heard.append(result.id))
    assert (report.passed, report.target) == (True, image)
    assert heard == ["import", "device", "conv float32", "conv bfloat16", "conv float16"]
    facts = docker.images.inspect(image)
    assert facts
    with running(docker, RunRequest(image=facts.id, entrypoint=("sleep",), command=("600",))) as container:
        words = f'exec docker exec -i {container} /opt/venv/bin/python "$@"'
        python = program(tmp_path / "python", f"#!/bin/sh\n{words}\n")
        here = smoke_here(site.host, Wish(tier="quick", only=("conv",), python=python), lambda result: None)
    assert (here.passed, here.target) == (True, f"{python} on box")
    assert here.subject.machine == report.subject.machine
    left = docker.containers.find(LABELS)
    assert [one for one in left if is_this_process(maker_of(one.labels))] == []


def program(path: Path, text: str) -> str:
    """Write a program that everybody may run."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return str(path)
