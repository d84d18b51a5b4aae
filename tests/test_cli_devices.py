"""What `envkit devices` prints."""

from __future__ import annotations

import pytest

from envkit.accelerators.cards import Card
from envkit.cli.devices import _show
from envkit.environment.devices import Advice, Device, Devices

H100 = Card(
    index=0,
    name="NVIDIA H100 80GB HBM3",
    uuid="GPU-3f",
    chip="9.0",
    memory_mib=81559,
    memory_used_mib=4,
    driver="535.129.03",
    links={1: "NV18", 2: "NV18", 3: "SYS"},
    cpus="0-55",
    numa="0",
    firmware="96.00.74.00.01",
)


def test_cards_stand_in_a_table_with_reasons_and_links_below(capsys: pytest.CaptureFixture[str]) -> None:
    shared = Device(
        name="cuda:0", accelerator="cuda", card=H100, state="used", why="environment b has it",
        users=("environment a", "environment b"),
    )  # fmt: skip
    sick = Card(index=1, name="910B2", chip="910b", health="Warning")
    minor = Device(name="ascend:1", accelerator="ascend", card=sick, state="free", why="")
    _show(Devices(devices=(shared, minor), looked=(), note="no engine answers"))
    said = capsys.readouterr()
    assert said.out == (
        "CARD      NAME                   CHIP  MEMORY          DRIVER      STATE\n"
        "cuda:0    NVIDIA H100 80GB HBM3  9.0   4 of 81559 MiB  535.129.03  used\n"
        "  environment b has it\n"
        "  shared by environment a, environment b\n"
        "  firmware 96.00.74.00.01, next to CPUs 0-55 (NUMA node 0)\n"
        "  NVLink (NV18) to 1, 2\n"
        "  PCIe, across NUMA nodes (SYS) to 3\n"
        "ascend:1  910B2                  910b  ?               ?           free\n"
        "  health: Warning\n"
    )
    assert said.err == "no engine answers\n"


def test_without_a_card_it_says_what_it_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    _show(Devices(devices=(), looked=("nvidia-smi is not there", "/dev/nvidia*: 0 nodes")))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "no card was found. Looked at:",
        "  nvidia-smi is not there",
        "  /dev/nvidia*: 0 nodes",
        "`--device cpu` starts an environment without one",
    ]


def test_a_tool_that_fails_is_told_with_its_fix_instead(capsys: pytest.CaptureFixture[str]) -> None:
    advice = Advice(cause="the driver is not loaded", fix="modprobe nvidia")
    _show(Devices(devices=(), looked=("nvidia-smi failed: it has failed",), advice=(advice,)))
    assert capsys.readouterr().err.splitlines() == [
        "no card was found. Looked at:",
        "  nvidia-smi failed: it has failed",
        "the driver is not loaded",
        "  fix: modprobe nvidia",
    ]
