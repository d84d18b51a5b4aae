"""What nvidia-smi prints, of several versions (facts/accelerators.md, N3)."""

from __future__ import annotations

import re
from dataclasses import replace

from envkit.accelerators.cards import OK, Answer, Ask, Card, CardUse, Process, number, whole
from envkit.accelerators.nvidia_mig import of_parts
from envkit.accelerators.topology import with_topology

_TOOL = "nvidia-smi"
ABSENT = f"{_TOOL} is not there"
_CSV = "--format=csv,noheader,nounits"
USE = (_TOOL, "--query-gpu=index,name,utilization.gpu,memory.used,memory.total", _CSV)
LIST = (_TOOL, "-L")
_TABLE = (_TOOL,)

_FIELDS = "index,uuid,name,driver_version,memory.total,memory.used,utilization.gpu,mig.mode.current"
_CARDS = (_TOOL, f"--query-gpu={_FIELDS},compute_cap", _CSV)
# Drivers below 470 or so do not know compute_cap, and refuse the whole question (facts N3).
_CARDS_OLD = (_TOOL, f"--query-gpu={_FIELDS}", _CSV)
_PROCESSES = (_TOOL, "--query-compute-apps=gpu_uuid,pid,process_name,used_memory", _CSV)
_TOPOLOGY = (_TOOL, "topo", "-m")
_BIOS = (_TOOL, "--query-gpu=index,vbios_version", _CSV)

_UUID = re.compile(r"GPU-[0-9A-Fa-f-]+")
_LOST = re.compile(r"Unable to determine the device handle for GPU ?([0-9A-Fa-f:. ]+): (\S.*)")


def find(ask: Ask) -> tuple[tuple[Card, ...], str]:
    """Return the cards that nvidia-smi tells, and what it said when it could not tell all."""
    told = ask(_CARDS)
    if told and told.code and "not a valid field" in told.stdout + told.stderr:
        told = ask(_CARDS_OLD)
    if told is None:
        return (), ABSENT
    cards = of_cards(told.stdout)
    gone = lost(told.stdout + told.stderr)
    said = f"{_TOOL}: {len(cards)} cards" + "".join(f"; {which} is lost: {why}" for which, why in gone)
    # Some drivers end well with "No devices were found".
    if not gone and (told.code or (not cards and told.stdout.strip())):
        said = f"{_TOOL} failed: {_complaint(told)}"
    if not cards:
        return (), said
    cards = with_processes(cards, _text(ask(_PROCESSES)))
    cards = with_topology(cards, _text(ask(_TOPOLOGY)))
    if any(card.is_split for card in cards):
        cards = (*cards, *of_parts(_text(ask(LIST)), _text(ask(_TABLE)), cards))
    return cards, said


def of_use(text: str) -> tuple[CardUse, ...]:
    """Read the answer to USE; a figure may be [N/A], and a dead card a sentence without figures."""
    rows = ([cell.strip() for cell in line.split(",")] for line in text.splitlines())
    return tuple(
        CardUse(
            index=row[0],
            name=row[1],
            used_percent=number(row[2]),
            memory_used_mib=whole(row[3]),
            memory_total_mib=whole(row[4]),
        )
        for row in rows
        if len(row) == 5
    )


def of_cards(text: str) -> tuple[Card, ...]:
    """Read the cards; one that is lost is a sentence among the rows, and no card."""
    rows = ([cell.strip() for cell in line.split(",")] for line in text.splitlines())
    return tuple(_card(row) for row in rows if len(row) in (8, 9) and row[0].isdigit())


def uuids(text: str) -> tuple[str, ...]:
    """Read `nvidia-smi -L`: the UUIDs of all cards, and of their parts."""
    return tuple(re.findall(r"\(UUID: ([^)]+)\)", text))


def lost(text: str) -> tuple[tuple[str, str], ...]:
    """Return which card and why, for each that nvidia-smi could not ask."""
    found = (_LOST.match(line.strip()) for line in text.splitlines())
    return tuple((one[1], one[2].rstrip(". ")) for one in found if one)


def _card(row: list[str]) -> Card:
    broken = "ERR!" in row or any("Unknown Error" in cell or "GPU is lost" in cell for cell in row)
    return Card(
        index=int(row[0]),
        uuid=row[1] if _UUID.fullmatch(row[1]) else "",
        name=row[2],
        driver=row[3] if row[3][:1].isdigit() else "",
        memory_mib=whole(row[4]),
        memory_used_mib=whole(row[5]),
        used_percent=number(row[6]),
        is_split=row[7] == "Enabled",
        chip=row[8] if len(row) == 9 and number(row[8]) is not None else "",
        health=f"{_TOOL} cannot read it (ERR!, Unknown Error)" if broken else OK,
    )


def with_processes(cards: tuple[Card, ...], text: str) -> tuple[Card, ...]:
    """Add what runs on each."""
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
    # A process's name may hold commas; nothing else does.
    running = [
        (row[0], Process(pid=int(row[1]), name=",".join(row[2:-1]), memory_mib=whole(row[-1])))
        for row in rows
        if len(row) >= 4 and row[1].isdigit()
    ]
    return tuple(
        replace(card, processes=tuple(one for uuid, one in running if card.uuid and uuid == card.uuid))
        for card in cards
    )


def with_firmware(ask: Ask, cards: tuple[Card, ...]) -> tuple[Card, ...]:
    """Ask for the version of each card's own BIOS."""
    rows = (line.split(",") for line in _text(ask(_BIOS)).splitlines())
    versions = {row[0].strip(): row[1].strip() for row in rows if len(row) == 2 and "[" not in row[1]}
    return tuple(replace(card, firmware=versions.get(str(card.index), "")) for card in cards)


def _complaint(told: Answer) -> str:
    lines = [line for line in (told.stdout + "\n" + told.stderr).splitlines() if line.strip()]
    words = [line for line in lines if line.count(",") < 7]
    return (words or lines or ["it says nothing"])[0].strip()[:160]


def _text(answer: Answer | None) -> str:
    return answer.stdout if answer and answer.code == 0 else ""
