"""nvidia-smi's outputs (tests/card_outputs): what is read out of each."""

from __future__ import annotations

from envkit.accelerators import nvidia_smi
from envkit.accelerators.cards import Answer, Card, CardUse, Process
from tests.card_outputs import output

BROKEN = "nvidia-smi cannot read it (ERR!, Unknown Error)"


def use(index: str, percent: float | None, used: int | None, total: int | None) -> CardUse:
    name = "NVIDIA H100 80GB HBM3"
    return CardUse(index=index, name=name, used_percent=percent, memory_used_mib=used, memory_total_mib=total)


def test_use_is_a_line_a_card() -> None:
    text = "0, NVIDIA H100 80GB HBM3, 31, 4, 81559\n1, NVIDIA H100 80GB HBM3, [N/A], [N/A], [Unknown Error]\n"
    assert nvidia_smi.of_use(text) == (use("0", 31, 4, 81559), use("1", None, None, None))
    lost = "Unable to determine the device handle for GPU0000:1B:00.0: GPU is lost. Reboot the system\n"
    assert nvidia_smi.of_use(lost) == ()


def test_a_card_has_its_uuid_chip_memory_and_driver() -> None:
    assert nvidia_smi.of_cards(output("nvidia-smi-535-h100.csv"))[1] == Card(
        index=1,
        name="NVIDIA H100 80GB HBM3",
        uuid="GPU-9b2e7a40-11a5-49b8-8a3e-5c1d2e3f4a5b",
        chip="9.0",
        memory_mib=81559,
        driver="535.129.03",
        memory_used_mib=41200,
        used_percent=83,
    )


def test_a_broken_card_is_told_and_a_lost_one_is_a_sentence() -> None:
    text = output("nvidia-smi-550-broken.csv")
    found = [(card.index, card.health, card.memory_used_mib) for card in nvidia_smi.of_cards(text)]
    assert found == [(0, "ok", 4), (2, BROKEN, None)]
    assert nvidia_smi.lost(text) == (("0000:1B:00.0", "GPU is lost. Reboot the system to recover this GPU"),)


def test_other_drivers_name_a_lost_card_otherwise() -> None:
    text = "Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error\n"
    assert nvidia_smi.lost(text) == (("1: 0000:34:00.0", "Unknown Error"),)


def test_an_old_driver_is_asked_without_what_it_does_not_know() -> None:
    asked: list[str] = []

    def ask(words: tuple[str, ...]) -> Answer:
        asked.append(words[1])
        if "compute_cap" in words[1]:
            return Answer(code=2, stdout='Field "compute_cap" is not a valid field to query.\n')
        return Answer(code=0, stdout=output("nvidia-smi-450-v100.csv") if "index" in words[1] else "")

    cards, said = nvidia_smi.find(ask)
    assert [(card.chip, card.driver, card.is_split) for card in cards] == [("", "450.80.02", False)]
    assert (said, asked[2:]) == (
        "nvidia-smi: 1 cards",
        ["--query-compute-apps=gpu_uuid,pid,process_name,used_memory", "topo"],
    )


def test_processes_belong_to_their_card_whatever_their_name() -> None:
    cards = nvidia_smi.of_cards(output("nvidia-smi-535-h100.csv"))
    found = nvidia_smi.with_processes(cards, output("nvidia-smi-535-apps.csv"))
    assert [card.processes for card in found] == [
        (),
        (
            Process(pid=4242, name="/opt/venv/bin/python", memory_mib=41190),
            Process(pid=4243, name="tritonserver --a,b"),
        ),
    ]


def test_each_cards_own_bios_is_its_firmware() -> None:
    cards = nvidia_smi.of_cards(output("nvidia-smi-535-h100.csv"))
    bios = Answer(code=0, stdout=output("nvidia-smi-535-bios.csv"))
    assert [card.firmware for card in nvidia_smi.with_firmware(lambda words: bios, cards)] == [
        "96.00.74.00.01",
        "",
    ]
    assert [card.firmware for card in nvidia_smi.with_firmware(lambda words: None, cards)] == ["", ""]


def test_a_tool_that_fails_says_why() -> None:
    failed = Answer(code=9, stdout="NVIDIA-SMI has failed because it couldn't communicate with the driver.\n")
    assert nvidia_smi.find(lambda words: failed) == (
        (),
        "nvidia-smi failed: NVIDIA-SMI has failed because it couldn't communicate with the driver.",
    )
    none = Answer(code=0, stdout="No devices were found\n")
    assert nvidia_smi.find(lambda words: none) == ((), "nvidia-smi failed: No devices were found")
    assert nvidia_smi.find(lambda words: Answer(code=0, stdout="")) == ((), "nvidia-smi: 0 cards")
    assert nvidia_smi.find(lambda words: None) == ((), "nvidia-smi is not there")
