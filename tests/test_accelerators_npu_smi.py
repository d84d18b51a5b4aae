"""npu-smi's outputs, as recorded (tests/card_outputs): what is read out of each."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from envkit.accelerators.cards import Answer, Ask, Card, Process
from envkit.accelerators.npu_smi import chip_word, find, firmware, of_cards, of_map, of_use, with_firmware
from tests.card_outputs import output


def asked(answers: Mapping[str, Answer]) -> Ask:
    """Answer by a command's last words; what is not told is a failed question."""
    return lambda words: answers.get(" ".join(words), Answer(code=1, stdout=""))


# File → per chip: its node's number, name, chip, health, use, memory used and all of it.
TABLES = {
    "24.1.0.3-910b3": [
        (0, "910B3", "910b", "ok", 37, 3396, 65536),
        (1, "910B3", "910b", "ok", 0, 3402, 65536),
    ],
    "24.1.0.3-910b4": [
        (4, "910B4", "910b", "ok", 87, 26838, 32768),
        (5, "910B2", "910b", "Warning", 0, 3400, 65536),
    ],
    "25.5.1-910b3": [
        (0, "910B3", "910b", "ok", 0, 3445, 65536),
        (5, "910B3", "910b", "ok", 12, 60156, 65536),
    ],
    "23.0.rc2-910a": [(3, "910A", "910", "ok", 0, 0, 32768)],
    "23.0.0-310p3": [(0, "310P3", "310p", "ok", 0, 1832, 21527)],
    "25.2.0-a3": [
        (0, "Ascend910", "a3", "ok", 0, 3132, 65536),
        (1, "Ascend910", "a3", "ok", 12, 2900, 65536),
        (2, "Ascend910", "a3", "ok", 0, 3132, 65536),
        (3, "Ascend910", "a3", "ok", 0, 2900, 65536),
    ],
    "26.0.rc2-a3": [
        (0, "Ascend910", "a3", "ok", 0, 3419, 65536),
        (1, "Ascend910", "a3", "ok", 0, 2874, 65536),
    ],
    "23.0.2.1-910b2c": [
        (0, "910B2C", "910b", "ok", 0, 20701, 65536),
        (1, "910B2C", "910b", "ok", 0, 20687, 65536),
    ],
    "23.0.0-310b4": [(0, "310B4", "310b", "Alarm", 0, 3628, 15609)],
    "25.2.0-310p3": [
        (0, "310P3", "310p", "ok", 0, 1529, 44280),
        (1, "310P3", "310p", "ok", 0, 1411, 43693),
    ],
    "25.7.rc1-950pr": [
        (0, "Ascend950PR", "950", "ok", 0, 6620, 131072),
        (1, "Ascend950PR", "950", "Alarm", 100, 10769, 131072),
    ],
}


@pytest.mark.parametrize("version", TABLES)
def test_every_version_of_the_table_is_read(version: str) -> None:
    found = of_cards(output(f"npu-smi-{version}.txt"))
    assert [
        (c.index, c.name, c.chip, c.health, c.used_percent, c.memory_used_mib, c.memory_mib) for c in found
    ] == TABLES[version]
    assert {card.driver for card in found} == {version.rpartition("-")[0]}


@pytest.mark.parametrize("version", TABLES)
def test_use_is_read_of_every_version_too(version: str) -> None:
    found = of_use(output(f"npu-smi-{version}.txt"))
    assert [(one.used_percent, one.memory_used_mib) for one in found] == [row[4:6] for row in TABLES[version]]


def test_a_card_of_two_chips_under_one_line_is_two() -> None:
    table, mapping = output("npu-smi-25.5.1-910c.txt"), output("npu-smi-25.5.1-910c-map.txt")
    found = of_cards(table.replace("| 0     910C ", "| 1     910C "), mapping)
    assert [(card.index, card.board, card.used_percent) for card in found] == [(2, 1, 30), (3, 1, 70)]
    assert [one.index for one in of_use(table)] == ["0", "0.1"]


def test_processes_are_told_by_chip() -> None:
    found = of_cards(output("npu-smi-24.1.0.3-910b3.txt"))
    assert [card.processes for card in found] == [
        (Process(pid=1406630, name="mindie_llm_back", memory_mib=21835),),
        (),
    ]
    since_25_6 = of_cards(output("npu-smi-25.7.rc1-950pr.txt"))
    assert [str(one) for one in since_25_6[0].processes] == ["pytest (pid 2066378)"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("25.5.1-910b3", {(0, 0): 0, (5, 0): 5}),
        ("25.5.1-910c", {(0, 0): 0, (0, 1): 1, (1, 0): 2, (1, 1): 3}),
        ("a3", {(0, 0): 0, (0, 1): 1, (1, 0): 2}),
    ],
)
def test_the_map_tells_nodes_and_leaves_management_chips_out(
    name: str, expected: dict[tuple[int, int], int]
) -> None:
    assert of_map(output(f"npu-smi-{name}-map.txt")) == expected


@pytest.mark.parametrize(
    ("name", "version"), [("25.5.2-910b2c", "7.8.0.7.220"), ("23.0.5-910a", "7.1.0.7.220")]
)
def test_the_firmware_is_read_of_a_boards_description(name: str, version: str) -> None:
    assert firmware(output(f"npu-smi-{name}-board.txt")) == version
    assert firmware("Firmware Version   : NA\n") == firmware("") == ""


def test_a_board_is_asked_once_for_all_its_chips() -> None:
    chips = tuple(Card(index=number, name="Ascend910", board=number // 2) for number in range(4))
    asked = []

    def ask(words: tuple[str, ...]) -> Answer:
        asked.append(words[-1])
        return Answer(code=0, stdout=f"  Firmware Version : 7.{words[-1]}\n")

    assert [card.firmware for card in with_firmware(ask, chips)] == ["7.0", "7.0", "7.1", "7.1"]
    assert asked == ["0", "1"]


def test_of_a_950_it_is_asked_which_machine_it_is_in() -> None:
    table = Answer(code=0, stdout=output("npu-smi-25.7.rc1-950pr.txt"))
    named = Answer(code=0, stdout="Atlas 850\n")
    answers = {"npu-smi info": table, "cat /sys/class/dmi/id/product_name": named}
    assert [card.server for card in find(asked(answers))[0]] == ["Atlas 850", "Atlas 850"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("910B3", "910b"), ("Ascend910B4", "910b"), ("910B", "910"), ("910ProB", "910"), ("910A", "910"),
        ("910", "910"), ("Ascend910", "a3"), ("910_9392", "a3"), ("910C", "a3"), ("310P3", "310p"),
        ("310B4", "310b"), ("Ascend950DT", "950"), ("Tesla", ""),
    ],
)  # fmt: skip
def test_a_chip_has_the_word_of_canns_tags(name: str, word: str) -> None:
    assert chip_word(name) == word


def test_a_tool_that_fails_says_why_and_finds_nothing() -> None:
    occupied = Answer(code=255, stdout=output("npu-smi-occupied.txt"))
    assert find(asked({"npu-smi info": occupied})) == (
        (),
        "npu-smi failed: dcmi module initialize failed. ret is -8005",
    )
    assert find(lambda words: None) == ((), "npu-smi is not there")


def test_cards_are_found_also_where_map_and_links_are_not_told() -> None:
    table = Answer(code=0, stdout=output("npu-smi-24.1.0.3-910b3.txt"))
    cards, said = find(asked({"npu-smi info": table}))
    assert ([card.index for card in cards], said) == ([0, 1], "npu-smi: 2 chips")
