"""Cards as values: what a machine has, what runs on them, and how a maker's tool is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

OK = "ok"
# npu-smi's word for something minor, such as an optical module that is not plugged in: the card computes.
_BEARABLE = (OK, "Warning")


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process that has memory on a card, as its maker's tool tells it."""

    pid: int
    name: str
    memory_mib: int | None = None

    def __str__(self) -> str:
        """Return it as a person reads it: `python (pid 4242)`."""
        return f"{self.name} (pid {self.pid})"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One card of a machine; what is empty or None was not told."""

    index: int  # cuda: as nvidia-smi counts; ascend: the number of its node, /dev/davinci3
    name: str
    uuid: str = ""  # cuda only: it stays when cards are added or taken away
    chip: str = ""  # cuda: compute capability "9.0"; ascend: the word of CANN's tags, "910b"
    memory_mib: int | None = None
    driver: str = ""
    health: str = OK  # else the tool's words
    memory_used_mib: int | None = None
    used_percent: float | None = None
    processes: tuple[Process, ...] = ()
    links: Mapping[int, str] = field(default_factory=dict)  # to which other card → NV18, HCCS, PIX, SYS
    cpus: str = ""  # those next to it, "0-95"
    numa: str = ""  # their memory's node, where the tool tells it
    firmware: str = ""  # only where somebody asked for it
    server: str = ""  # ascend: the machine's product name, where rules depend on it
    board: int | None = None  # ascend: the id of the card that the chip is on (a 910C has two chips)
    part_of: int | None = None  # a MIG instance: the card that it is a part of
    is_split: bool = False  # a card in MIG mode: only its parts compute

    @property
    def key(self) -> str:
        """Return what the card is known by on its machine, fit for a container's name."""
        return self.uuid or f"CARD-{self.index}"

    @property
    def trouble(self) -> str:
        """Return why it cannot be used, whoever asks; "": it can."""
        if self.health not in _BEARABLE:
            return self.health
        return "it is split (MIG): choose one of its parts by UUID" if self.is_split else ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a tool said."""

    code: int
    stdout: str
    stderr: str = ""

    @property
    def words(self) -> str:
        """Return its first line: what a failed tool complains about."""
        lines = (self.stdout.strip() or self.stderr.strip() or "it says nothing").splitlines()
        return lines[0][:160]


# Runs a program where the cards are (a machine, the inside of a container); None: there is no such program.
Ask = Callable[[tuple[str, ...]], Answer | None]


@dataclass(frozen=True, kw_only=True)
class Found:
    """The cards of one kind, and what was looked at to find them."""

    accelerator: str
    cards: tuple[Card, ...] = ()
    looked: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CardUse:
    """One card, as the container counts it; None: it does not tell."""

    index: str
    name: str
    used_percent: float | None
    memory_used_mib: int | None
    memory_total_mib: int | None


def number(text: str) -> float | None:
    """Read a figure; None for [N/A], NA, -, [Unknown Error]."""
    try:
        return float(text)
    except ValueError:
        return None


def whole(text: str) -> int | None:
    """Read a whole figure, as `number` does."""
    found = number(text)
    return None if found is None else int(found)
