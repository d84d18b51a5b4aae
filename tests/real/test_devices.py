"""`envkit devices` with programs on a PATH that print what was recorded, on an engine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.engines.base import Engine
from envkit.engines.fake import FakeEngine
from envkit.engines.values import RunRequest
from envkit.environment.devices import devices
from envkit.errors import EngineError
from envkit.hosts.base import Host
from envkit.hosts.local import LocalHost
from tests.environments import image

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        any(Path("/dev").glob("nvidia[0-9]*")) or any(Path("/dev").glob("davinci[0-9]*")),
        reason="this machine has cards of its own",
    ),
]

OUTPUTS = Path(__file__).resolve().parents[1] / "card_outputs"
GPUS = {
    "*index,uuid*": "nvidia-smi-535-h100.csv",
    "*compute-apps*": "nvidia-smi-535-apps.csv",
    "topo*": "nvidia-smi-topo-two.txt",
    "*vbios*": "nvidia-smi-535-bios.csv",
}
NPUS = {
    "*-m": "npu-smi-25.5.1-910b3-map.txt",
    "*topo": "npu-smi-910b3-topo.txt",
    "*board*": "npu-smi-25.5.2-910b2c-board.txt",
    "info": "npu-smi-25.5.1-910b3.txt",
}


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Put a maker's tool on the PATH; a question that is not told fails."""

    def put(name: str, answers: dict[str, str]) -> None:
        cases = "".join(f"{words}) cat {OUTPUTS / file} ;;\n" for words, file in answers.items())
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}*) exit 1 ;;\nesac\n', encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def with_environment(uuid: str, *names: str) -> FakeEngine:
    engine = FakeEngine()
    engine.images.add(image())
    for name in names:
        labels = {
            "io.envkit.kind": "environment",
            "io.envkit.environment": name,
            "io.envkit.cards": uuid,
        }
        made = engine.containers.create(RunRequest(image="lab:dev", name=f"envkit-{name}", labels=labels))
        engine.containers.start(made)
    return engine


def unreachable(host: Host) -> Engine:
    raise EngineError("no engine answers", fix="start one")


def test_gpus_are_shown_with_links_and_with_who_has_them(tool: object) -> None:
    tool("nvidia-smi", GPUS)  # type: ignore[operator]
    engine = with_environment("GPU-3f6d0a51-6e4b-4f0c-9a57-1f2f6a3d9c10", "a", "b")
    found = devices(LocalHost(), lambda host: engine)
    assert [(one.name, one.state, one.why, one.users, dict(one.card.links)) for one in found.devices] == [
        ("cuda:0", "used", "environment b has it", ("environment a", "environment b"), {1: "NV12"}),
        (
            "cuda:1",
            "used",
            "in use by /opt/venv/bin/python (pid 4242), tritonserver --a,b (pid 4243)",
            (),
            {0: "NV12"},
        ),
    ]
    assert found.looked[0] == "nvidia-smi: 2 cards"
    assert [(one.card.cpus, one.card.numa) for one in found.devices] == [("0-95", "0")] * 2
    assert [one.card.firmware for one in found.devices] == ["96.00.74.00.01", ""]


def test_npus_without_their_nodes_cannot_be_used_and_an_engine_is_not_needed(tool: object) -> None:
    tool("npu-smi", NPUS)  # type: ignore[operator]
    found = devices(LocalHost(), unreachable)
    assert [(one.name, one.card.driver, one.card.chip, one.state, one.why) for one in found.devices] == [
        ("ascend:0", "25.5.1", "910b", "unusable", "/dev/davinci0 is missing"),
        ("ascend:5", "25.5.1", "910b", "unusable", "/dev/davinci5 is missing"),
    ]
    card = found.devices[0].card
    assert (card.links[5], card.cpus, card.firmware) == ("HCCS", "144-167", "7.8.0.7.220")
    assert found.note == "who has cards is not known: no engine answers"


def test_what_runs_in_a_part_of_a_card_is_told_of_that_part(tool: object) -> None:
    parts = {"*index,uuid*": ".csv", "*compute-apps*": "-apps.csv", "-L": "-list.txt", '""': ".txt"}
    tool("nvidia-smi", {words: f"nvidia-smi-590-h100-mig{end}" for words, end in parts.items()})  # type: ignore[operator]
    found = devices(
        LocalHost(), lambda host: with_environment("MIG-00000000-0000-0000-0000-000000000002", "a")
    )
    assert [(one.name[:8], one.state, one.why.partition(",")[0]) for one in found.devices] == [
        ("cuda:0", "unusable", "it is split (MIG): choose one of its parts by UUID"),
        ("cuda:MIG", "used", "in use by /root/tools/memhog (pid 21180)"),
        ("cuda:MIG", "free", ""),
        ("cuda:MIG", "used", "environment a has it"),
        ("cuda:MIG", "free", ""),
    ]


def test_a_tool_that_fails_with_known_words_is_told_with_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure of it."
    script = tmp_path / "nvidia-smi"
    script.write_text(f'#!/bin/sh\necho "{words}"\nexit 9\n', encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (advice,) = devices(LocalHost(), unreachable).advice
    assert advice.cause == "the host's NVIDIA driver is not loaded"
    assert advice.fix.startswith("modprobe nvidia on the host")


def test_a_machine_without_cards_says_what_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = devices(LocalHost(), unreachable)
    assert found.devices == ()
    assert found.looked == (
        "nvidia-smi is not there",
        "/dev/nvidia*: 0 nodes",
        "npu-smi is not there",
        "/dev/davinci*: 0 nodes",
    )
