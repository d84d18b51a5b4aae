"""`envkit shell`: open a shell in an environment."""

from __future__ import annotations

import click

from envkit.cli import options


@click.command("shell", epilog="Example: envkit shell my-env")
@options.environment
@options.host
@click.pass_context
def command(ctx: click.Context, name: str | None, host_name: str | None) -> None:
    """Open a login shell in an environment, as its user, in /work/home.

    NAME may be left out where there is only one. Without a terminal it reads commands from its input.
    """
    from envkit.cli import terminal
    from envkit.cli.site import open_engine
    from envkit.environment.entering import open_shell

    engine = open_engine(host_name)
    with terminal.ends() as ends:
        code = open_shell(engine, name, ends, terminal.kind())
    ctx.exit(code)
