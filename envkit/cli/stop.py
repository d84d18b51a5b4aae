"""`envkit stop`: stop an environment."""

from __future__ import annotations

import click

from envkit.cli import output


@click.command("stop")
@click.argument("name")
def command(name: str) -> None:
    """Stop an environment; nothing is lost, `envkit up` starts it again with new tokens."""
    from envkit.cli.site import local_engine
    from envkit.environment.ending import stop

    stop(local_engine(), name)
    output.note(f"environment {name} is stopped")
