"""`envkit stop`: stop an environment."""

from __future__ import annotations

import click

from envkit.cli import complete, output


@click.command("stop", epilog="Example: envkit stop my-env")
@click.argument("name", metavar="NAME", shell_complete=complete.environments)
def command(name: str) -> None:
    """Stop an environment; nothing is lost, `envkit up` starts it again with new tokens."""
    from envkit.cli.site import local_engine
    from envkit.environment.ending import stop

    stop(local_engine(), name)
    output.note(f"environment {name} is stopped")
