"""`envkit schema`."""

from __future__ import annotations

import click


@click.command(epilog="Example: envkit schema > envkit.schema.json")
@click.option("--table", is_flag=True, help="Print every key in a Markdown table instead.")
def command(table: bool) -> None:
    """Print the spec's JSON Schema (draft 2020-12), for editors."""
    from envkit.cli import output
    from envkit.spec import reference, schema

    if table:
        output.show(reference.table())
    else:
        output.show_json(schema.json_schema())
