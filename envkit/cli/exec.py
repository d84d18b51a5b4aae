"""`envkit exec`: run a command in an environment."""

from __future__ import annotations

import click

from envkit.cli import complete, options


@click.command(
    "exec",
    epilog="Example: envkit exec my-env -- python train.py --epochs 3",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@options.host
@click.argument("name", metavar="NAME", shell_complete=complete.environments)
@click.argument("words", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED, required=True)
@click.pass_context
def command(ctx: click.Context, host_name: str | None, name: str, words: tuple[str, ...]) -> None:
    """Run a command in an environment, as its user, in /work/home, with the image's variables.

    The exit code is the command's own. It gets a terminal when you have one; a command that you leave with
    Ctrl-C without a terminal may go on in there.
    """
    from envkit.cli import terminal
    from envkit.cli.site import open_engine
    from envkit.environment.entering import run_inside

    command = words[1:] if words[0] == "--" else words
    if not command:
        raise click.UsageError("no command is given", ctx)
    if words[0].startswith("-") and words[0] != "--":
        raise click.UsageError(f"{words[0]} comes too late: envkit's options stand before NAME", ctx)
    engine = open_engine(host_name)
    with terminal.ends() as ends:
        code = run_inside(engine, name, command, ends, terminal.kind())
    ctx.exit(code)
