"""The parts of a split card (MIG), as nvidia-smi tells them (facts N2.2).

`-L` tells a part's UUID and its number on its card; the plain table tells of that number the memory and the
two ids of its instances, which stand before each of its processes, too. `--query-compute-apps` names of them
only the whole card.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from envkit.accelerators.cards import Card, Process, whole

_PART = re.compile(r"\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)")
_WHOLE = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)")
# | GPU  GI  CI  MIG | Memory-Usage: `|  0   10   0   3  |   9MiB /  9984MiB    | 16 …`
_ROW = re.compile(r"\|\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\|\s*(\d+)MiB\s*/\s*(\d+)MiB\s")
# |  GPU   GI   CI   PID   Type   Process name   GPU Memory |
_PROCESS = re.compile(r"\|\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+[CGM+]+\s+(\S.*?)\s+(\d+|N/A)(?:MiB)?\s+\|")


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What the table tells of one part."""

    used_mib: int
    memory_mib: int
    processes: tuple[Process, ...]


def of_parts(listed: str, table: str, cards: tuple[Card, ...]) -> tuple[Card, ...]:
    """Read the MIG instances: each is a card of its own, named by its UUID."""
    by_index = {card.index: card for card in cards}
    told = _told(table, cards)
    card: Card | None = None
    parts: list[Card] = []
    for line in listed.splitlines():
        if found := _WHOLE.match(line):
            card = by_index.get(int(found[1]))
        elif card and (part := _PART.match(line)):
            parts.append(_with(_part(card, part[1], part[3]), told.get((card.index, int(part[2])))))
    return tuple(parts)


def _told(table: str, cards: tuple[Card, ...]) -> dict[tuple[int, int], _Part]:
    """Return what the table tells, by a card's number and its part's number on it."""
    # The table cuts long names off; the whole card's processes have theirs in full.
    names = {process.pid: process.name for card in cards for process in card.processes}
    running: dict[tuple[str, ...], list[Process]] = {}
    for gpu, instance, compute, pid, name, memory in _found(_PROCESS, table):
        process = Process(pid=int(pid), name=names.get(int(pid), name), memory_mib=whole(memory))
        running.setdefault((gpu, instance, compute), []).append(process)
    return {
        (int(gpu), int(number)): _Part(
            used_mib=int(used),
            memory_mib=int(memory),
            processes=tuple(running.get((gpu, instance, compute), ())),
        )
        for gpu, instance, compute, number, used, memory in _found(_ROW, table)
    }


def _found(pattern: re.Pattern[str], table: str) -> list[tuple[str, ...]]:
    matches = (pattern.match(line.strip()) for line in table.splitlines())
    return [match.groups() for match in matches if match]


def _part(card: Card, profile: str, uuid: str) -> Card:
    size = re.search(r"(\d+)gb", profile)
    return Card(
        index=card.index,
        uuid=uuid,
        name=f"{card.name} MIG {profile}",
        chip=card.chip,
        driver=card.driver,
        health=card.health,
        memory_mib=int(size[1]) << 10 if size else None,
        part_of=card.index,
        cpus=card.cpus,
        numa=card.numa,
    )


def _with(card: Card, told: _Part | None) -> Card:
    if told is None:
        return card
    return replace(card, memory_mib=told.memory_mib, memory_used_mib=told.used_mib, processes=told.processes)
