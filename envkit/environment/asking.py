"""What a plan needs to know: the wishes with real paths, and the machine as it is now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen
from envkit.engines.base import Engine
from envkit.engines.values import ContainerFacts, EngineFacts
from envkit.environment import card_lease, folders, machine
from envkit.hosts.base import Host
from envkit.image import emulation
from envkit.plan.devices import DeviceWish, meant
from envkit.plan.mounts import FolderMount
from envkit.plan.run_plan import Caller, RunHost, RunImage, RunOptions


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks, for which image, and with what."""

    image: RunImage
    options: RunOptions
    caller: Caller
    allow_system_mounts: bool = False


def resolved(host: Host, engine: EngineFacts, asked: Asked) -> RunOptions:
    """Return the wishes with the folders' real paths; a mount that is not theirs to give is refused."""
    options = asked.options
    return replace(
        options,
        home=options.home and folders.resolve(host, options.home, option="--home"),
        cache=options.cache and folders.resolve(host, options.cache, option="--cache"),
        mounts=options.mounts and _mounts(host, engine, asked, options.mounts),
    )


def _mounts(
    host: Host, engine: EngineFacts, asked: Asked, mounts: tuple[FolderMount, ...]
) -> tuple[FolderMount, ...]:
    private = None
    if not asked.allow_system_mounts:
        own = (path for path in (engine.socket, engine.storage_root) if path)
        private = tuple(folders.real_path(host, path, option="the engine's path") for path in own)
    return tuple(folders.check_mount(host, one, asked.caller, private) for one in mounts)


def facts(host: Host, engine: EngineFacts, asked: Asked, base: RunHost) -> RunHost:
    """Return the host's facts with what limits need."""
    return replace(
        base,
        cpus=machine.cpus(host),
        architecture=engine.architecture,
        raises_limits=machine.raises_limits(host),
    )


def emulates(engine: Engine, machine: str, image: RunImage) -> bool:
    """Tell whether an image of other machines than the engine's runs there."""
    return image.architecture not in ("", machine) and emulation.emulates(engine, image.architecture)


def seen(
    host: Host, engine: Engine, cdi: tuple[str, ...], asked: Asked, found: ContainerFacts | None
) -> Seen:
    """Return the cards that may be meant, and who has which; an environment is not in its own way."""
    wanted = meant(asked.options.device or DeviceWish(), asked.image.accelerator)
    if not ACCELERATORS[wanted].looks_at:
        return Seen()
    there = cards_there(host, engine, cdi, wanted, besides=found.id if found else "")
    return replace(there, runs=bool(found and found.state in card_lease.ACTIVE))


def cards_there(host: Host, engine: Engine, cdi: tuple[str, ...], kind: str, *, besides: str = "") -> Seen:
    """Return a machine's cards of one kind, and who has which; `besides`: the container that asks."""
    there = machine.seen(host, kind, cdi)
    cards = machine.find_cards(host, kind, there).cards
    return replace(there, cards=cards, taken=card_lease.holders(engine, besides=besides) if cards else {})
