"""Where the commands work: this machine or a host, and its engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.engines.base import Engine
    from envkit.environment.site import Site
    from envkit.environment.states import Environment
    from envkit.hosts.base import Host
    from envkit.hosts.ssh import SshHost


def open_engine(host_name: str | None = None) -> Engine:
    """Connect to the engine of a host, or of this machine."""
    return open_site(host_name).engine


def open_site(host_name: str | None = None) -> Site:
    """Return a host, or this machine, as a place for environments."""
    from envkit.engines.docker import connect
    from envkit.hosts.local import LocalHost

    if host_name is not None:
        return site_of(opened_host(host_name))
    host = LocalHost()
    return _this_machine(host, connect(host))


def looked_at(host_name: str | None = None) -> Site:
    """Return a place of which the disk tells enough: its engine is looked for when it is asked."""
    from envkit.hosts.local import LocalHost

    if host_name is not None:
        return site_of(opened_host(host_name), _connect_late)
    host = LocalHost()
    return _this_machine(host, _connect_late(host))


def _this_machine(host: Host, engine: Engine) -> Site:
    from contextlib import suppress

    from envkit import paths
    from envkit.environment.site import Site

    here = ""
    with suppress(OSError):  # the folder was removed meanwhile
        here = str(Path.cwd())
    return Site(
        engine=engine, host=host, home=str(paths.work_home()), cache=str(paths.work_cache()), here=here
    )


def _connect(host: Host) -> Engine:
    from envkit.engines.docker import connect

    return connect(host)


def _connect_late(host: Host) -> Engine:
    from envkit.engines.late import LateEngine

    return LateEngine(lambda: _connect(host))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is on one machine, or why that cannot be told."""

    host: str | None  # None: this machine
    environments: tuple[Environment, ...] = ()
    unreachable: str = ""


def seen_from(host_name: str | None) -> Seen:
    """Look at one machine among many: an error of it is part of the answer."""
    from contextlib import closing, nullcontext

    from envkit.engines.docker import connect
    from envkit.environment.states import environments
    from envkit.errors import EnvkitError
    from envkit.hosts import registry
    from envkit.hosts.local import LocalHost
    from envkit.hosts.ssh import SshHost

    try:
        host = LocalHost() if host_name is None else SshHost(registry.entry(host_name))
        with closing(host) if isinstance(host, SshHost) else nullcontext():
            return Seen(host=host_name, environments=environments(connect(host)))
    except EnvkitError as error:
        return Seen(host=host_name, unreachable=error.what)


def site_of(host: SshHost, connect: Callable[[Host], Engine] = _connect) -> Site:
    """Return a host as a place for environments."""
    from envkit.environment.door import ask_through
    from envkit.environment.machine import user_home
    from envkit.environment.site import Site

    home = user_home(host)
    return Site(
        engine=connect(host),
        host=host,
        home=f"{home}/envkit/home",
        cache=f"{home}/envkit/cache",
        ask=ask_through(host.forward),
        user_home=home,
    )


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


def absolute(path: str | None, site: Site | None = None) -> str | None:
    """Return a path in full, with `~` spelled out as it is meant at the site; links stay as they are."""
    if path is None or site is None or site.user_home is None:
        return None if path is None else str(Path(path).expanduser().absolute())
    return str(PurePosixPath(site.user_home) / path.removeprefix("~/")) if path != "~" else site.user_home
