"""`envkit rm`: remove an environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.ending import Loss


@click.command("rm", epilog="Example: envkit rm my-env")
@options.environment
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.host
def command(name: str | None, yes: bool, host_name: str | None) -> None:
    """Remove an environment, after showing what is lost with it; its /work/home stays.

    NAME may be left out where there is only one.
    """
    from envkit.cli.site import open_engine
    from envkit.environment.ending import loss, remove

    engine = open_engine(host_name)
    lost = loss(engine, name)
    if not yes:
        _ask(lost)
    remove(engine, lost)
    output.note(f"environment {lost.environment.name} is removed; {lost.environment.home} stays")


def _ask(lost: Loss) -> None:
    from envkit.errors import EnvkitError, UsageError

    one = lost.environment
    output.note(f"environment {one.name} ({one.state}, {one.image})")
    output.note(f"  is lost   what was written outside of /work: {output.human_bytes(lost.written_bytes)}")
    output.note(f"  stays     {one.home}")
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", fix=f"envkit rm {one.name} --yes")
    if not click.confirm("remove it?", err=True):
        raise EnvkitError("nothing was removed", fix=f"`envkit stop {one.name}` ends it and keeps everything")
