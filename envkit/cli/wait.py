"""`envkit wait`: wait until an environment runs, or has stopped."""

from __future__ import annotations

from typing import Literal

import click

from envkit.cli import options, output


@click.command("wait", epilog="Example: envkit wait my-env --for stopped --timeout 3600")
@options.environment
@click.option(
    "--for",
    "wanted",
    type=click.Choice(["running", "stopped"]),
    default="running",
    show_default=True,
    help="Until its services answer, or until it has ended in any way.",
)
@click.option(
    "--timeout", metavar="SECONDS", type=click.FloatRange(0), help="Give up then.  [default: never]"
)
@options.host
@options.as_json
def command(
    name: str | None,
    wanted: Literal["running", "stopped"],
    timeout: float | None,
    host_name: str | None,
    as_json: bool,
) -> None:
    """Wait until an environment runs, or has stopped, and print its state.

    An environment that has stopped, or whose service has died for good, will not run by itself: exit code 1.
    """
    from envkit.cli.site import open_site
    from envkit.environment.starting import wait_for

    found = wait_for(open_site(host_name), name, wanted, float("inf") if timeout is None else timeout)
    if as_json:
        output.show_json(found)
    else:
        output.show(
            f"environment {found.name} is {found.state}" + (f": {found.reason}" if found.reason else "")
        )
