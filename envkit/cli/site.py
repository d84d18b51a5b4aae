"""Where the commands work: this machine and its engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.engines.base import Engine
    from envkit.environment.up import Site


def local_engine() -> Engine:
    """Connect to this machine's engine."""
    from envkit.engines.docker import connect
    from envkit.hosts.local import LocalHost

    return connect(LocalHost())


def local_site() -> Site:
    """Return this machine as a place for environments."""
    from envkit import paths
    from envkit.engines.docker import connect
    from envkit.environment.up import Site
    from envkit.hosts.local import LocalHost

    host = LocalHost()
    return Site(engine=connect(host), host=host, home=str(paths.work_home()), cache=str(paths.work_cache()))


def absolute(path: str | None) -> str | None:
    """Return a path as seen from here, with `~` spelled out; links stay as they are."""
    return None if path is None else str(Path(path).expanduser().absolute())
