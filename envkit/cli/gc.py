"""`envkit gc`: remove what nothing owns any more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.garbage import Leftover


@click.command("gc", epilog="Example: envkit gc --dry-run")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would go, and change nothing.")
@options.host
@options.as_json
def command(yes: bool, dry_run: bool, host_name: str | None, as_json: bool) -> None:
    """Remove what a killed envkit left: containers for a moment, half-made environments, images, folders.

    The containers of runs that have ended, whose folders tell all, go too. It shows them and asks. What
    somebody is still at stays, and so does every environment that was started.
    """
    from datetime import datetime, timezone

    from envkit.cli.site import open_site
    from envkit.environment.garbage import Place, Swept, sweep
    from envkit.run.garbage import leftovers

    site = open_site(host_name)
    place = Place(engine=site.engine, host=site.host, cache=site.cache)
    found = leftovers(site, datetime.now(timezone.utc))
    if not as_json:
        _show(found)
    if found and not (yes or dry_run):
        _ask(found)
    swept = Swept(removed=(), kept=()) if dry_run else sweep(place, found, output.note)
    if as_json:
        output.show_json({"found": found, "removed": swept.removed, "kept": swept.kept})


def _show(found: tuple[Leftover, ...]) -> None:
    if not found:
        output.note("nothing is left over")
        return
    rows = [
        (one.kind, one.name, "-" if one.size_bytes is None else output.human_bytes(one.size_bytes), one.why)
        for one in found
    ]
    output.show_table(("WHAT", "NAME", "SIZE", "WHY"), rows)


def _ask(found: tuple[Leftover, ...]) -> None:
    from envkit.errors import EnvkitError, UsageError

    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", fix="envkit gc --yes, or --dry-run to look only")
    if not click.confirm(f"remove {'it' if len(found) == 1 else f'these {len(found)}'}?", err=True):
        raise EnvkitError("nothing was removed", fix="`envkit gc --dry-run` only shows")
