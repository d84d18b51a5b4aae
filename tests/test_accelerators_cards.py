"""Finding cards: the maker's tool and the nodes together, and why one cannot be used."""

from __future__ import annotations

import pytest

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen
from envkit.accelerators.cards import Answer, Card, Found
from envkit.errors import AcceleratorError
from tests.card_outputs import output


def ask(words: tuple[str, ...]) -> Answer | None:
    """Answer as a machine with two NPUs, and GPUs of which one is lost."""
    told = {
        ("npu-smi", "info"): "npu-smi-24.1.0.3-910b3.txt",
        ("nvidia-smi", "csv"): "nvidia-smi-550-broken.csv",
    }
    kind = "csv" if "index" in words[1] else " ".join(words[1:])
    name = told.get((words[0], kind))
    return Answer(code=0, stdout=output(name)) if name else Answer(code=1, stdout="")


def test_an_npu_without_its_node_and_a_node_without_its_npu_cannot_be_used() -> None:
    found = ACCELERATORS["ascend"].find(ask, Seen(paths={"/dev/davinci0": 0, "/dev/davinci7": 0}))
    assert [(card.index, card.trouble) for card in found.cards] == [
        (0, ""),
        (1, "/dev/davinci1 is missing"),
        (7, "npu-smi does not list it"),
    ]
    assert found.looked == ("npu-smi: 2 chips", "/dev/davinci*: 2 nodes")


def test_a_gpu_that_is_lost_is_shown_with_what_nvidia_smi_says() -> None:
    nodes = {f"/dev/nvidia{number}": 0 for number in range(3)} | {"/dev/nvidiactl": 0}
    found = ACCELERATORS["cuda"].find(ask, Seen(paths=nodes))
    assert [(card.index, card.name) for card in found.cards][1] == (1, "NVIDIA GPU")
    assert "0000:1B:00.0 is lost: GPU is lost" in found.cards[1].trouble
    assert [bool(card.trouble) for card in found.cards] == [False, True, True]


def test_nodes_without_a_tool_are_cards_of_which_nothing_bad_is_known() -> None:
    found = ACCELERATORS["cuda"].find(lambda words: None, Seen(paths={"/dev/nvidia0": 0}))
    assert found.cards == (Card(index=0, name="NVIDIA GPU"),)
    failing = Answer(code=9, stdout="NVIDIA-SMI has failed\n")
    found = ACCELERATORS["cuda"].find(lambda words: failing, Seen(paths={"/dev/nvidia0": 0}))
    assert [card.trouble for card in found.cards] == ["nvidia-smi failed: NVIDIA-SMI has failed"]


def test_a_machine_without_cards_says_what_was_looked_at() -> None:
    assert ACCELERATORS["cpu"].find(lambda words: None, Seen()) == Found(accelerator="cpu")
    found = ACCELERATORS["ascend"].find(lambda words: None, Seen())
    assert found == Found(accelerator="ascend", looked=("npu-smi is not there", "/dev/davinci*: 0 nodes"))


def test_a_warning_does_not_keep_a_card_from_computing() -> None:
    assert Card(index=0, name="910B2", health="Warning").trouble == ""
    assert Card(index=0, name="910B2", health="Alarm").trouble == "Alarm"


def inside(nodes: str, npu_smi: Answer | None) -> tuple[str, ...] | None:
    def told(words: tuple[str, ...]) -> Answer | None:
        return Answer(code=0, stdout=nodes) if words[0] == "ls" else npu_smi

    return ACCELERATORS["ascend"].inside(told)


def test_a_container_sees_its_npus_by_their_nodes() -> None:
    table = Answer(code=0, stdout=output("npu-smi-24.1.0.3-910b3.txt"))
    assert inside("davinci2\ndavinci3\ndavinci_manager\nnull\n", table) == ("CARD-2", "CARD-3")
    assert inside("null\n", None) == ()


def test_an_npu_that_another_container_has_is_told_by_npu_smi_inside() -> None:
    occupied = Answer(code=255, stdout=output("npu-smi-occupied.txt"))
    with pytest.raises(
        AcceleratorError, match=r"npu-smi in it fails: dcmi module initialize failed. ret is -8005"
    ):
        inside("davinci2\n", occupied)
