"""`envkit start`: start a stopped environment."""

from __future__ import annotations

import click

from envkit.cli import options, output
from envkit.cli.up import show_opened


@click.command("start", epilog="Example: envkit start my-env")
@options.environment
@options.timeout
@options.host
@options.show_token
@options.as_json
def command(name: str | None, timeout: float, host_name: str | None, show_token: bool, as_json: bool) -> None:
    """Start a stopped environment as it was made, wait until its IDEs answer, and print their URLs.

    One that runs already is fine. It gets new tokens; its port stays the same.
    NAME may be left out where there is only one.
    """
    from envkit.cli.site import open_site
    from envkit.environment.starting import start

    opened = start(open_site(host_name), name, timeout, output.note)
    show_opened(opened, with_token=show_token, as_json=as_json)
