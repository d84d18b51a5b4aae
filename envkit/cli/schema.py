"""`envkit schema`."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Print the spec's JSON Schema (draft 2020-12), for editors."""
    from envkit.cli import output
    from envkit.spec.schema import json_schema

    output.show_json(json_schema())
