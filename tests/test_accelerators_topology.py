"""What the makers' tools say of how cards are joined, as recorded (tests/card_outputs)."""

from __future__ import annotations

import pytest

from envkit.accelerators.cards import Card
from envkit.accelerators.topology import with_topology
from tests.card_outputs import output


def read(name: str, *numbers: int) -> list[tuple[dict[int, str], str, str]]:
    """Read a matrix for the cards of these numbers: links, processors, their memory's node."""
    cards = tuple(Card(index=number, name="card") for number in numbers)
    found = with_topology(cards, output(f"{name}.txt"))
    return [(dict(card.links), card.cpus, card.numa) for card in found]


def test_npus_are_told_with_their_links_and_processors() -> None:
    others = dict.fromkeys(range(8), "HCCS")
    assert read("npu-smi-910b3-topo", 0, 5) == [
        ({n: way for n, way in others.items() if n != 0}, "144-167", ""),
        ({n: way for n, way in others.items() if n != 5}, "0-23", ""),
    ]


def test_chips_of_one_card_are_told_by_their_node_s_number() -> None:
    assert read("npu-smi-a3-topo", 12, 13, 14) == [({13: "SIO"}, "", ""), ({12: "SIO"}, "", ""), ({}, "", "")]


def test_gpus_are_told_with_colours_tabs_and_adapters_between() -> None:
    assert read("nvidia-smi-topo-two", 0, 1) == [({1: "NV12"}, "0-95", "0"), ({0: "NV12"}, "0-95", "0")]


def test_a_card_whose_processors_are_not_told_keeps_its_node() -> None:
    found = read("nvidia-smi-topo-eight", 0, 7)
    assert [(cpus, numa) for _, cpus, numa in found] == [("", "0"), ("1", "1")]
    assert found[0][0] == dict.fromkeys(range(1, 8), "NV18")
    assert read("nvidia-smi-610-topo-h200", 0) == [({}, "0-23", "0")]


def test_columns_may_be_set_with_spaces_too() -> None:
    assert read("nvidia-smi-topo-titan", 0, 1, 2, 3) == [
        ({1: "PHB", 2: "SYS", 3: "SYS"}, "0-5", "0"),
        ({0: "PHB", 2: "SYS", 3: "SYS"}, "0-5", "0"),
        ({0: "SYS", 1: "SYS", 3: "PHB"}, "6-11", "1"),
        ({0: "SYS", 1: "SYS", 2: "PHB"}, "6-11", "1"),
    ]


def test_a_card_alone_has_processors_and_no_links() -> None:
    text = "\t\x1b[4mGPU0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\x1b[0m\nGPU0\t X \t0-7\tN/A\t\tN/A\n"
    (card,) = with_topology([Card(index=0, name="card")], text)
    assert (dict(card.links), card.cpus, card.numa) == ({}, "0-7", "")


@pytest.mark.parametrize("text", ["", "\n\n", "no topology on this machine", "GPU0\n", "GPU0\tX\n"])
def test_what_is_no_matrix_tells_nothing(text: str) -> None:
    card = Card(index=0, name="card")
    assert with_topology([card], text) == (card,)
