"""`envkit rm`: remove environments."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.ending import Loss


@click.command("rm", epilog="Example: envkit rm my-env")
@options.environments
@options.every
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.host
def command(names: tuple[str, ...], every: bool, yes: bool, host_name: str | None) -> None:
    """Remove environments, after showing what is lost with them; their /work/home stays.

    NAME may be left out where there is only one.
    """
    from envkit.cli.site import open_site
    from envkit.environment.ending import losses, remove_all

    site = open_site(host_name)
    lost = losses(site.engine, names, every=every)
    if not lost:
        output.note("there is no environment")
        return
    if not yes:
        _ask(lost)
    remove_all(site.engine, lost, site.host)
    for one in lost:
        output.note(f"environment {one.environment.name} is removed; {one.environment.home} stays")


def _ask(lost: tuple[Loss, ...]) -> None:
    from envkit.errors import EnvkitError, UsageError

    for loss in lost:
        one = loss.environment
        output.note(f"environment {one.name} ({one.state}, {one.image})")
        output.note(
            f"  is lost   what was written outside of /work: {output.human_bytes(loss.written_bytes)}"
        )
        if one.own_cache:
            output.note(f"            its own cache, {one.cache}")
        output.note(f"  stays     {one.home}")
    names = " ".join(loss.environment.name for loss in lost)
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", fix=f"envkit rm {names} --yes")
    if not click.confirm("remove it?" if len(lost) == 1 else f"remove these {len(lost)}?", err=True):
        raise EnvkitError("nothing was removed", fix=f"`envkit stop {names}` ends and keeps everything")
