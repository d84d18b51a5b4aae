"""What npu-smi prints, of several versions and chips (facts/accelerators.md, A4.3): never by widths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from envkit.accelerators.cards import OK, Answer, Ask, Card, CardUse, Process, number
from envkit.accelerators.topology import with_topology

_TOOL = "npu-smi"
ABSENT = f"{_TOOL} is not there"
USE = (_TOOL, "info")
_MAP = (_TOOL, "info", "-m")
_TOPOLOGY = (_TOOL, "info", "-t", "topo")
_BOARD = (_TOOL, "info", "-t", "board", "-i")
_SERVER = ("cat", "/sys/class/dmi/id/product_name")

_PAIR = re.compile(r"(\d+)\s*/\s*(\d+)")
# npu-smi's word for how a card is (facts A4.3): in the first of a card's two lines.
_HEALTH = ("OK", "Warning", "Alarm", "Critical", "UNKNOWN")
_VERSION = re.compile(r"Version:\s*(\S+)")
# The words of CANN's tags (facts A2.1). "910B" alone is of the first generation (facts A4.4).
_CHIPS = (
    (r"(Ascend ?)?910B\d.*", "910b"),
    (r"(Ascend ?910|(Ascend ?)?910_?93\w*|(Ascend ?)?910C.*)", "a3"),
    (r"(910|910A|910B|910ProA|910ProB|910PremiumA)", "910"),
    (r"(Ascend ?)?310P.*", "310p"),
    (r"(Ascend ?)?950.*", "950"),
    (r"310B.*", "310b"),
    (r"310", "310"),
)


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One chip as the table tells it: two lines."""

    npu: int
    chip: int
    device: int | None  # its number as a node, where the table has one
    name: str
    health: str
    used_percent: float | None
    memory_used_mib: int
    memory_total_mib: int


def find(ask: Ask) -> tuple[tuple[Card, ...], str]:
    """Return the cards that npu-smi tells, and what it said when it could not."""
    told = ask(USE)
    if told is None:
        return (), ABSENT
    cards = of_cards(told.stdout, _text(ask(_MAP))) if told.code == 0 else ()
    if not cards:
        return (), f"{_TOOL} failed: {complaint(told)}"
    cards = with_topology(cards, _text(ask(_TOPOLOGY)))
    if any(card.chip == "950" for card in cards):
        server = _text(ask(_SERVER)).strip()
        cards = tuple(replace(card, server=server) for card in cards)
    return cards, f"{_TOOL}: {len(cards)} chips"


def of_use(text: str) -> tuple[CardUse, ...]:
    """Read the table as use: two lines a chip; its width, and whether it has HBM, differ between versions."""
    return tuple(
        CardUse(
            index=str(one.npu) if one.chip == 0 else f"{one.npu}.{one.chip}",
            name=one.name,
            used_percent=one.used_percent,
            memory_used_mib=one.memory_used_mib,
            memory_total_mib=one.memory_total_mib,
        )
        for one in chips(text)
    )


def of_cards(table: str, mapping: str = "") -> tuple[Card, ...]:
    """Read the table, and `info -m` for the nodes' numbers: a card's id is none where it has two chips."""
    numbers = of_map(mapping)
    version = _VERSION.search(table)
    running = processes(table)
    return tuple(
        Card(
            index=_index(one, numbers),
            name=one.name,
            chip=chip_word(one.name),
            memory_mib=one.memory_total_mib,
            memory_used_mib=one.memory_used_mib,
            used_percent=one.used_percent,
            driver=version[1] if version else "",
            health=OK if one.health == "OK" else one.health,
            processes=tuple(process for at, process in running if at == (one.npu, one.chip)),
            board=one.npu,
        )
        for one in chips(table)
    )


def chip_word(name: str) -> str:
    """Return the chip as CANN's tags write it; "" for one that is not known."""
    return next((word for pattern, word in _CHIPS if re.fullmatch(pattern, name.strip())), "")


def chips(text: str) -> tuple[Chip, ...]:
    """Read the chips of the table: a line for a card, then one for each of its chips."""
    return tuple(_chips(text))


def of_map(text: str) -> dict[tuple[int, int], int]:
    """Read `info -m`: (card, chip) → its number as a node; a management chip has none (`-`)."""
    lines = [line.split() for line in text.splitlines()]
    head = next((line for line in text.splitlines() if "NPU ID" in line and "Chip ID" in line), "")
    # The columns that hold one word each, in the order in which the head names them.
    names = re.findall(r"NPU ID|Chip ID|Chip Logic ID|Chip Phy-ID", head)
    wanted = "Chip Phy-ID" if "Chip Phy-ID" in names else "Chip Logic ID"
    if wanted not in names:
        return {}
    column = names.index(wanted)
    return {
        (int(words[0]), int(words[1])): int(words[column])
        for words in lines
        if len(words) > column and all(words[n].isdigit() for n in (0, 1, column))
    }


def processes(text: str) -> tuple[tuple[tuple[int, int], Process], ...]:
    """Read the second table: which process is on which chip."""
    return tuple(_processes(text))


def complaint(told: Answer) -> str:
    """Return the line of the card's own interface (dcmi), where there is one."""
    lines = (told.stdout + "\n" + told.stderr).splitlines()
    return next((line.strip()[:160] for line in lines if "dcmi" in line), told.words)


def firmware(text: str) -> str:
    """Read the firmware's version of `info -t board`."""
    found = re.search(r"^\s*Firmware Version\s*:\s*(\d\S*)", text, re.MULTILINE)
    return found[1] if found else ""


def with_firmware(ask: Ask, cards: tuple[Card, ...]) -> tuple[Card, ...]:
    """Ask each board for its firmware: one question takes npu-smi a part of a second."""
    boards = {card.board for card in cards if card.board is not None}
    versions = {board: firmware(_text(ask((*_BOARD, str(board))))) for board in sorted(boards)}
    return tuple(
        replace(card, firmware=versions[card.board]) if card.board in versions else card for card in cards
    )


def _processes(text: str) -> Iterator[tuple[tuple[int, int], Process]]:
    """Yield them; before 25.6 a row begins with card and chip, since then with the card alone."""
    for row in _rows(text.partition("Process id")[2]):
        at = row[0].split()
        if len(row) >= 4 and len(at) in (1, 2) and row[1].isdigit() and all(map(str.isdigit, at)):
            memory = next((int(cell) for cell in row[3:] if cell.isdigit()), None)
            chip = int(at[1]) if len(at) > 1 else 0
            yield (int(at[0]), chip), Process(pid=int(row[1]), name=row[2], memory_mib=memory)


def _rows(text: str) -> list[list[str]]:
    lines = (line.strip() for line in text.splitlines())
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def _chips(text: str) -> Iterator[Chip]:
    card: tuple[int, str, str] | None = None
    for row in _rows(text.partition("Process id")[0]):
        if described := _described(row):
            card = described
        elif card and _PAIR.search(row[-1]) and len(row) >= 3:
            yield _chip(card, row[0].split(), row[-1])


def _described(row: list[str]) -> tuple[int, str, str] | None:
    """Return a card's id, name and health; since 25.6 its id and name are in columns of their own."""
    if len(row) >= 3 and row[1] in _HEALTH:
        npu, _, name = row[0].partition(" ")
    elif len(row) >= 4 and row[2] in _HEALTH:
        npu, name = row[0], row[1]
    else:
        return None
    health = row[1] if row[1] in _HEALTH else row[2]
    return (int(npu), name.strip(), health) if npu.isdigit() else None


def _chip(card: tuple[int, str, str], ids: list[str], figures: str) -> Chip:
    used, total = _PAIR.findall(figures)[-1]  # HBM, where there is any, comes after DDR
    return Chip(
        npu=card[0],
        chip=int(ids[0]) if ids else 0,
        device=int(ids[1]) if len(ids) > 1 and ids[1].isdigit() else None,
        name=card[1],
        health=card[2],
        used_percent=number(figures.split()[0]),
        memory_used_mib=int(used),
        memory_total_mib=int(total),
    )


def _index(one: Chip, numbers: dict[tuple[int, int], int]) -> int:
    told = one.device if one.device is not None else numbers.get((one.npu, one.chip))
    return one.npu if told is None else told


def _text(answer: Answer | None) -> str:
    return answer.stdout if answer and answer.code == 0 else ""
