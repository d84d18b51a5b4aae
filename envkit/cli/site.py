"""Where the commands work: this machine or a host, and its engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.engines.base import Engine
    from envkit.environment.up import Site
    from envkit.hosts.ssh import SshHost


def open_engine(host_name: str | None = None) -> Engine:
    """Connect to the engine of a host, or of this machine."""
    return open_site(host_name).engine


def open_site(host_name: str | None = None) -> Site:
    """Return a host, or this machine, as a place for environments."""
    from envkit import paths
    from envkit.engines.docker import connect
    from envkit.environment.up import Site
    from envkit.errors import UsageError
    from envkit.hosts.local import LocalHost

    if host_name is not None:
        raise UsageError(f"there is no host {host_name!r}", fix="leave --host out: this machine")
    host = LocalHost()
    return Site(engine=connect(host), host=host, home=str(paths.work_home()), cache=str(paths.work_cache()))


def opened_host(name: str) -> SshHost:
    """Return a host by its name; its connection ends with the command."""
    import click

    from envkit.hosts import registry
    from envkit.hosts.ssh import SshHost

    host = SshHost(registry.entry(name))
    context = click.get_current_context(silent=True)
    if context is not None:
        context.call_on_close(host.close)
    return host


def absolute(path: str | None) -> str | None:
    """Return a path as seen from here, with `~` spelled out; links stay as they are."""
    return None if path is None else str(Path(path).expanduser().absolute())
