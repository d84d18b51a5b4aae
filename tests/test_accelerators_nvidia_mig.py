"""The parts of split cards, as recorded (tests/card_outputs): what each is, and what runs on it."""

from __future__ import annotations

from collections.abc import Mapping

from envkit.accelerators.cards import Answer, Ask, Card, Process
from envkit.accelerators.nvidia_mig import of_parts
from envkit.accelerators.nvidia_smi import find, of_cards
from tests.card_outputs import output


def machine(answers: Mapping[str, str]) -> Ask:
    """Answer by what nvidia-smi is asked for: the first word after it, up to the `=`."""

    def ask(words: tuple[str, ...]) -> Answer:
        asked = words[1].partition("=")[0] if len(words) > 1 else ""
        return Answer(code=0, stdout=output(answers[asked]) if asked in answers else "")

    return ask


H100 = {
    "--query-gpu": "nvidia-smi-590-h100-mig.csv",
    "--query-compute-apps": "nvidia-smi-590-h100-mig-apps.csv",
    "topo": "nvidia-smi-610-topo-h200.txt",
    "-L": "nvidia-smi-590-h100-mig-list.txt",
    "": "nvidia-smi-590-h100-mig.txt",
}


def test_a_split_cards_parts_are_cards_and_itself_cannot_be_used() -> None:
    cards = of_cards(output("nvidia-smi-550-mig.csv"))
    parts = of_parts(output("nvidia-smi-550-mig-list.txt"), "", cards)
    assert [(part.part_of, part.memory_mib, part.key) for part in parts] == [
        (0, 10240, "MIG-a686709d-6dc2-542a-8851-0d2508448c10"),
        (0, 10240, "MIG-53864714-0a66-5df2-9007-9268e30d9a72"),
    ]
    assert [card.trouble for card in (*cards, *parts)] == [
        "it is split (MIG): choose one of its parts by UUID", "", "", "",
    ]  # fmt: skip


def test_what_runs_in_a_part_is_told_of_that_part_alone() -> None:
    (whole, *parts), _ = find(machine(H100))
    assert [(part.memory_used_mib, part.memory_mib) for part in parts] == [
        (11091, 40448), (17, 20096), (9, 9984), (9, 9984),
    ]  # fmt: skip
    assert [str(one) for one in parts[0].processes] == [
        "/root/tools/memhog (pid 21180)", "/root/tools/memhog (pid 21181)", "./gpu_burn (pid 21198)",
    ]  # fmt: skip
    assert [part.processes for part in parts[1:]] == [(), (), ()]
    assert (parts[3].cpus, parts[3].numa, whole.cpus) == ("0-23", "0", "0-23")


def test_an_old_driver_names_parts_and_its_narrower_table_otherwise() -> None:
    cards = tuple(Card(index=number, name="A100-PCIE-40GB", is_split=number == 4) for number in (3, 4))
    table = output("nvidia-smi-460-a100-mig.txt").replace("|  1 ", "|  4 ").replace("|    1 ", "|    4 ")
    parts = of_parts(output("nvidia-smi-460-a100-mig-list.txt"), table, cards)
    assert [(part.key, part.memory_used_mib, part.memory_mib) for part in parts] == [
        ("MIG-GPU-fb8bbc70-d551-45f9-43d4-9734f9cddb2c/1/0", 14366, 19968),
        ("MIG-GPU-fb8bbc70-d551-45f9-43d4-9734f9cddb2c/2/0", 9880, 19968),
    ]
    assert [part.processes for part in parts] == [
        (
            Process(pid=34965, name="python", memory_mib=14195),
            Process(pid=56597, name="python3", memory_mib=149),
        ),
        (Process(pid=46505, name="python", memory_mib=9807),),
    ]


def test_a_process_has_its_whole_name_and_need_not_tell_its_memory() -> None:
    card = Card(index=0, name="A100", processes=(Process(pid=7, name="/opt/a/very/long/path/python"),))
    listed = "GPU 0: A100 (UUID: GPU-1)\n  MIG 1g.5gb      Device  0: (UUID: MIG-1)\n"
    table = (
        "|  0    7   0   0  |      5MiB /  4864MiB | 14      0 |\n"
        "|    0    7    0          7    M+C   ...ath/python                  N/A |\n"
    )
    (part,) = of_parts(listed, table, (card,))
    assert part.processes == (Process(pid=7, name="/opt/a/very/long/path/python"),)
