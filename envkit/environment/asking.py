"""What a plan needs to know: the wishes with real paths, and the machine as it is now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from envkit.engines.values import EngineFacts
from envkit.environment import folders, machine
from envkit.hosts.base import Host
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
    """Return the host's facts with what limits and cards need."""
    wanted = meant(asked.options.device or DeviceWish(), asked.image.accelerator)
    return replace(
        base,
        cpus=machine.cpus(host),
        architecture=engine.architecture,
        raises_limits=machine.raises_limits(host),
        seen=machine.seen(host, wanted, engine.cdi),
    )
