"""`envkit cp`: copy files into an environment, or out of it."""

from __future__ import annotations

import click

from envkit.cli import options, output


@click.command("cp", epilog="Example: envkit cp data.csv my-env:/work/home/")
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@options.host
def command(source: str, target: str, host_name: str | None) -> None:
    """Copy a file or a folder into an environment, or out of it; one side is NAME:PATH.

    A relative PATH begins at /work/home. Into a folder that is there it is copied under its own name, else
    under the new one. In the environment the files belong to its user, here to you.
    """
    from envkit.cli.site import open_engine
    from envkit.environment.copying import copy, place

    done = copy(open_engine(host_name), place(source), place(target), output.note)
    output.note(f"{done.source} is copied to {done.target}")
