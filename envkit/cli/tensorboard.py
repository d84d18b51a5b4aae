"""`envkit tensorboard`: training runs in TensorBoard, behind a login."""

from __future__ import annotations

import click

from envkit.cli import complete, options, output


@click.command("tensorboard", epilog="Example: envkit tensorboard baseline lower-lr")
@click.argument("names", metavar="[RUN...]", nargs=-1, shell_complete=complete.runs)
@click.option("--home", metavar="DIR", help="All runs of this /work/home.  [default: ~/envkit/home]")
@options.host
@options.only_print
@options.tunnel_port
@options.timeout
@options.as_json
def command(  # noqa: PLR0913  click hands over every option by name
    names: tuple[str, ...],
    home: str | None,
    host_name: str | None,
    only_print: bool,
    port: int | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Open TensorBoard in your browser, logged in: for all runs, or for those that are named.

    It is served by an environment that runs with the same /work/home; where there is none, a small one is
    started, without cards (`envkit ps` shows it). What a run writes appears within seconds.
    """
    from envkit.cli.open import lead_to
    from envkit.cli.site import absolute, open_site
    from envkit.run.tensorboard import open_board

    if home and names:
        raise click.UsageError("--home is for all its runs; a run knows its own")
    site = open_site(host_name)
    found = open_board(site, names, absolute(home, site), timeout, output.note)
    lead_to(site, found, port, quiet=only_print or as_json, as_json=as_json)
