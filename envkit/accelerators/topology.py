"""The matrix of `nvidia-smi topo -m` and `npu-smi info -t topo`: how cards are joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from envkit.accelerators.cards import Card

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CARD = re.compile(r"(?:GPU|NPU|Phy-ID)\s*(\d+)")
_GAP = re.compile(r"\s{2,}")  # a column's name may have a space in it
_SELF = "X"
_UNTOLD = ("", "N/A", "NA", "-")


def with_topology(cards: Sequence[Card], text: str) -> tuple[Card, ...]:
    """Add to each card its links and its processors; adapters in the matrix are left out."""
    lines = [_cells(_COLOURS.sub("", line)) for line in text.splitlines()]
    of_cards = [words for words in lines if _CARD.fullmatch(words[0])]
    head = next((words for words in of_cards if _SELF not in words), [])
    rows = {
        _number(words[0]): dict(zip(head, words[1:], strict=False)) for words in of_cards if words is not head
    }
    return tuple(_with_row(card, rows.get(card.index, {})) for card in cards)


def _cells(line: str) -> list[str]:
    """Split a line at its tabs, an empty cell being one too (no processor is told); or else at its gaps."""
    begun = line.lstrip()
    return [cell.strip() for cell in begun.split("\t")] if "\t" in begun else _GAP.split(begun.rstrip())


def _with_row(card: Card, row: dict[str, str]) -> Card:
    links = {_number(name): word for name, word in row.items() if _CARD.fullmatch(name) and word != _SELF}
    return replace(card, links=links, cpus=_told(row, "CPU Affinity"), numa=_told(row, "NUMA Affinity"))


def _number(name: str) -> int:
    found = _CARD.fullmatch(name)
    return int(found[1]) if found else -1


def _told(row: dict[str, str], column: str) -> str:
    word = row.get(column, "")
    return "" if word in _UNTOLD else word
