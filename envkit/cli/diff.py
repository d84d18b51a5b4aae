"""`envkit diff`: compare what two images hold."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from envkit.cli import complete, options, output

if TYPE_CHECKING:
    pass

TITLES = {
    "image": "image",
    "apt": "apt",
    "rpm": "rpm",
    "pip": "pip, the user's Python",
    "tools_pip": "pip, the IDE tools",
    "npm": "npm, code-server",
    "extensions": "VS Code extensions",
    "tools": "tools",
    "env": "variables",
}


@click.command("diff", epilog="Example: envkit diff cpu:dev cpu:1.0")
@click.argument("before", metavar="A", shell_complete=complete.images)
@click.argument("after", metavar="B", shell_complete=complete.images)
@options.host
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(before: str, after: str, host_name: str | None, as_json: bool) -> None:
    """Compare what images A and B hold: packages, tools, extensions, variables, size."""
    from envkit.cli.site import open_engine
    from envkit.image.diff import compare
    from envkit.image.inventory import manifest_of

    engine = open_engine(host_name)
    found = compare(manifest_of(engine, before), manifest_of(engine, after))
    if as_json:
        output.show_json(found)
        return
    grown = found.size_after - found.size_before
    sizes = f"{output.human_bytes(found.size_before)} -> {output.human_bytes(found.size_after)}"
    output.show(f"{before} -> {after}")
    output.show(f"size  {sizes} ({'+' if grown >= 0 else ''}{output.human_bytes(grown)})")
    for group, changes in groupby(found.changes, key=lambda change: change.group):
        output.show(TITLES[group])
        output.show_table(
            (), [output.change_row(change.name, change.before, change.after) for change in changes]
        )
    if not found.changes:
        output.show("nothing else differs")
