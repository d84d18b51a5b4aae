"""`envkit start`: start a stopped environment."""

from __future__ import annotations

import click

from envkit.cli import options, output
from envkit.cli.up import show_opened


@click.command("start", epilog="Example: envkit start my-env")
@options.starting
def command(  # noqa: PLR0913  click hands over every option by name
    name: str | None,
    timeout: float,
    env_file: str | None,
    host_name: str | None,
    show_token: bool,
    as_json: bool,
) -> None:
    """Start a stopped environment as it was made, wait until its IDEs answer, and print their URLs.

    One that runs already is fine. It gets new tokens; its port stays the same.
    Its secrets come from --env-file, or from where they came from before.
    NAME may be left out where there is only one.
    """
    from envkit.cli.site import absolute, open_site
    from envkit.environment.starting import start

    opened = start(open_site(host_name), name, timeout, output.note, absolute(env_file))
    show_opened(opened, with_token=show_token, as_json=as_json, host_name=host_name)
