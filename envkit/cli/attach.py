"""`envkit attach`: follow a training run to its end."""

from __future__ import annotations

import click

from envkit.cli import options
from envkit.cli.run_end import code, follow_to_end, where_rank_is


@click.command("attach", epilog="Example: envkit attach train-1127-0930-x7")
@options.run
@click.option(
    "--tail",
    metavar="N",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Begin with the last N lines.",
)
@click.option("--rank", metavar="N", type=click.IntRange(0), help="Only what this process prints.")
@options.host
def command(name: str, tail: int, rank: int | None, host_name: str | None) -> None:
    """Follow a training run: what it prints, and how it ends.

    Ctrl-C leaves the run alone: it goes on, and `envkit stop RUN` ends it. The exit code is the one that
    `envkit train` would give: 0 when the run finished, 8 when it did not.
    """
    from envkit.cli.site import open_site
    from envkit.run.listing import find

    site = open_site(host_name)
    site, run = where_rank_is(site, find(site, name), rank)
    end = follow_to_end(site, run, rank=rank, tail=tail)
    click.get_current_context().exit(code(end))
