"""`envkit stop`: stop an environment."""

from __future__ import annotations

import click

from envkit.cli import options, output


@click.command("stop", epilog="Example: envkit stop my-env")
@options.environment
@options.host
def command(name: str | None, host_name: str | None) -> None:
    """Stop an environment; nothing is lost, `envkit up` starts it again with new tokens.

    NAME may be left out where there is only one.
    """
    from envkit.cli.site import open_engine
    from envkit.environment.ending import stop

    stopped = stop(open_engine(host_name), name)
    output.note(f"environment {stopped} is stopped")
