"""What envkit asks of an accelerator.

A new one is a file, a line in `__init__.py`, its templates, its presets and their golden files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from envkit.accelerators.cards import Ask, Card, CardUse, Found

if TYPE_CHECKING:
    from envkit.accelerators.fit import Needs, Resolved, Wish
    from envkit.accelerators.needs import Code

PART = "MIG-"  # how the UUID of a part of a card begins (facts N2.2)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a machine has of all that an accelerator looks at."""

    paths: Mapping[str, int] = field(default_factory=dict)  # path → the id of its group
    cdi: tuple[str, ...] = ()  # the devices that the engine knows by the Container Device Interface
    cards: tuple[Card, ...] = ()
    taken: Mapping[str, str] = field(default_factory=dict)  # a card's key → who has it
    runs: bool = False  # the environment that is planned runs: what it has is not looked at again


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How many processes a run has, and what joins its nodes."""

    processes: int = 1  # on all nodes together
    link: str = ""  # the network interface between this node and the others; "": one node


@dataclass(frozen=True, kw_only=True)
class Request:
    """Devices that the engine wires by itself: `driver` "cdi", or "" for whoever serves "gpu"."""

    driver: str
    ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """How cards get into a container."""

    accelerator: str
    ids: tuple[int, ...] = ()  # as the host counts them
    keys: tuple[str, ...] = ()  # what the cards are known by, for leases
    request: Request | None = None
    nodes: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()  # of the host's driver: read-only, at the same place
    groups: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()  # what the host does not have, and a card can do without

    def __str__(self) -> str:
        """Return it as `--device` takes it."""
        parts = [key for key in self.keys if key.startswith(PART)]
        names = parts or list(map(str, self.ids))
        return ":".join([self.accelerator, *([",".join(names)] if names else [])])


class Accelerator(Protocol):
    """One kind of device."""

    name: str
    torch_device: str  # torch's word for it
    looks_at: tuple[str, ...]  # paths of a machine, `*` for what is numbered (in /dev only)
    python_is_the_base_s: bool  # the base brings the Python whose packages must stay visible
    base_has_variables: bool  # the base brings scripts that set some: templates/NAME/variables.sh runs them
    # What a build needs on the engine's disk: the plain recipe put 2.5 GB on its base (facts/ide.md), twice
    # for the builder's cache and the layers' export, and torch's CUDA builds unpack to about 6 GB.
    build_bytes: int
    use_command: tuple[str, ...]  # asks, inside a container, what its cards do; (): nothing to ask
    sharing: str  # what the host must have done before two containers share a card; "": nothing

    def resolve(self, wish: Wish) -> Resolved:
        """Decide base and torch, exactly; raise Misfit when nothing fits."""

    def runs_on(self, needs: Needs, chip: str) -> bool:
        """Tell whether an image with these needs has code for a card's chip."""

    def as_built(self, needs: Needs, code: Code) -> Needs:
        """Return an image's needs with what its torch says of itself: that counts, not a table."""

    def cards(self, text: str) -> tuple[CardUse, ...]:
        """Read what `use_command` printed; a card that it could not ask is not among them."""

    def find(self, ask: Ask, seen: Seen) -> Found:
        """Return the cards of a machine, those that cannot be used too, with what was looked at."""

    def with_firmware(self, ask: Ask, cards: tuple[Card, ...]) -> tuple[Card, ...]:
        """Return the cards with their firmware's version: a question that only `devices` has time for."""

    def discord(self, cards: tuple[Card, ...]) -> str:
        """Return why these cards, each good by itself, cannot work together; "": they can."""

    def wire(self, cards: tuple[Card, ...], seen: Seen) -> Wiring:
        """Decide how these cards get into a container; AcceleratorError when the driver is not whole."""

    def inside(self, ask: Ask) -> tuple[str, ...] | None:
        """Return the keys of the cards that a container sees, None when it cannot tell.

        AcceleratorError when the maker's tool in there says that it does not work.
        """

    def run_environment(self, shape: Shape) -> dict[str, str]:
        """Return what a run on its cards has in its environment, where image and user set nothing else."""


def present(seen: Seen, prefix: str) -> tuple[int, ...]:
    """Return the numbers of the device nodes that begin so."""
    numbers = (path.removeprefix(prefix) for path in seen.paths if path.startswith(prefix))
    return tuple(sorted(int(number) for number in numbers if number.isdecimal()))
