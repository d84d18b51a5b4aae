"""`envkit ps`: list the environments."""

from __future__ import annotations

import click

from envkit.cli import options, output


@click.command("ps", epilog="Example: envkit ps")
@options.host
@options.as_json
def command(host_name: str | None, as_json: bool) -> None:
    """List all environments: what each is, where it answers (without its token), why it does not."""
    from envkit.cli.site import open_engine
    from envkit.environment.states import environments

    found = environments(open_engine(host_name))
    if as_json:
        output.show_json(found)
    elif not found:
        output.note("there is no environment; `envkit up` starts one")
    else:
        rows = [(one.name, one.state, one.image, one.url) for one in found]
        notes = [f"  {one.reason}" if one.reason else "" for one in found]
        output.show_table(("NAME", "STATE", "IMAGE", "URL"), rows, notes)
