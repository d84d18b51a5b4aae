"""`envkit stop`: stop environments."""

from __future__ import annotations

import click

from envkit.cli import options, output

_SAID = {
    "stopped": "environment {name} is stopped",
    "killed": "environment {name} is stopped; it did not end within {grace_s:g} s and was killed",
    "was not running": "environment {name} was not running",
}


@click.command("stop", epilog="Example: envkit stop my-env")
@options.environments
@options.every
@options.host
def command(names: tuple[str, ...], every: bool, host_name: str | None) -> None:
    """Stop environments; nothing is lost, `envkit start` starts them again with new tokens.

    NAME may be left out where there is only one.
    """
    from envkit.cli.site import open_engine
    from envkit.environment.ending import stop_all

    done = stop_all(open_engine(host_name), names, every=every)
    for one in done:
        output.note(_SAID[one.how].format(name=one.name, grace_s=one.grace_s))
    if not done:
        output.note("there is no environment")
