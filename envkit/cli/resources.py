"""What an environment may have of its machine, and how long: options that `up` turns into one value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from envkit.cli import options

if TYPE_CHECKING:
    from envkit.environment.site import Site
    from envkit.plan.mounts import FolderMount
    from envkit.plan.run_plan import RunOptions

_OPTIONS = (
    click.option(
        "--device",
        metavar="DEVICE",
        help="Which cards: auto, cpu, cuda:0,1, cuda:GPU-uuid, ascend:0-3, or 4 for any four.  "
        "[default: auto, all that are free and that the image is for]",
    ),
    options.share,
    click.option(
        "--mount",
        "mounts",
        metavar="NAME=DIR[:ro]",
        multiple=True,
        help="A folder of the host at /work/NAME; may be given several times.",
    ),
    click.option(
        "--allow-system-mounts", is_flag=True, help="Let --mount take the system's folders and the engine's."
    ),
    click.option(
        "--cpus", metavar="N", type=click.FloatRange(0.1), help="At most so many CPUs.  [default: all]"
    ),
    click.option("--memory", metavar="SIZE", help="At most so much memory, as in 8g.  [default: all]"),
    click.option("--shm", metavar="SIZE", help="Shared memory, as in 8g.  [default: half of the memory]"),
    click.option(
        "--retention",
        metavar="TIME",
        help="When an entry of the cache goes that nobody used; 0: a cache of its own, which goes with it."
        "  [default: 3d]",
    ),
    click.option(
        "--idle-stop",
        metavar="TIME",
        help="Stop it by itself when nobody has used it for so long, as in 2h.  [default: never]",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The options as they were written."""

    device: str | None
    share: bool
    mounts: tuple[str, ...]
    allow_system_mounts: bool
    cpus: float | None
    memory: str | None
    shm: str | None
    retention: str | None
    idle_stop: str | None

    @property
    def is_any(self) -> bool:
        """Tell whether anything was asked for."""
        return any(getattr(self, name) for name in self.__dataclass_fields__)

    @property
    def retention_s(self) -> float:
        """Return after what time an unused entry of the cache goes."""
        from envkit.environment.cache import retention_s

        return retention_s(self.retention)

    def added_to(self, options: RunOptions, site: Site) -> RunOptions:
        """Return the wishes with these among them."""
        from dataclasses import replace

        from envkit.plan.devices import parse_device
        from envkit.plan.durations import idle_stop_s
        from envkit.plan.mounts import parse_mount
        from envkit.plan.sizes import mib

        return replace(
            options,
            device=None if self.device is None else parse_device(self.device),
            share=self.share or None,
            mounts=tuple(_absolute(parse_mount(text), site) for text in self.mounts) or None,
            cpus=self.cpus,
            memory_mib=None if self.memory is None else mib(self.memory, option="--memory"),
            shm_mib=None if self.shm is None else mib(self.shm, option="--shm"),
            own_cache=True if self.retention_s == 0 else None if self.retention is None else False,
            idle_stop_s=None if self.idle_stop is None else idle_stop_s(self.idle_stop),
        )


def _absolute(mount: FolderMount, site: Site) -> FolderMount:
    from dataclasses import replace

    from envkit.cli.site import absolute

    return replace(mount, source=absolute(mount.source, site) or mount.source)


def resources(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets them as `resources`."""
    return _added(command, _OPTIONS)


def job_resources(command: Callable[..., None]) -> Callable[..., None]:
    """Add those that a run has too: nobody has to ask it to stop when it idles."""
    return _added(command, _OPTIONS[:-2])


def _added(command: Callable[..., None], options: tuple[Callable[..., Any], ...]) -> Callable[..., None]:
    @functools.wraps(command)
    def with_resources(**values: Any) -> None:
        names = Resources.__dataclass_fields__
        given: dict[str, Any] = {key: values.get(key) for key in names}
        rest = {key: value for key, value in values.items() if key not in names}
        command(**rest, resources=Resources(**given))

    for option in reversed(options):
        with_resources = option(with_resources)
    return with_resources
