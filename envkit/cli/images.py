"""`envkit images`: list our images."""

from __future__ import annotations

import click

from envkit.cli import options, output


@click.command("images", epilog="Example: envkit images --json")
@options.host
@options.as_json
def command(host_name: str | None, as_json: bool) -> None:
    """List the images that envkit made or fetched: what each proved, where it comes from, who uses it."""
    from envkit.cli.site import open_engine
    from envkit.engines.values import short_id
    from envkit.save.stock import stock

    found = stock(open_engine(host_name))
    if as_json:
        output.show_json(found)
        return
    if not found:
        output.note("there is no image of ours; `envkit build` makes one")
        return
    rows = [
        (
            ", ".join(one.names),
            short_id(one.id),
            output.human_bytes(one.size_bytes),
            one.verdict,
            ", ".join(one.used_by) or "-",
        )
        for one in found
    ]
    notes = ["\n".join(f"  {line}" for line in one.lineage) for one in found]
    output.show_table(("IMAGE", "ID", "SIZE", "VERDICT", "IN USE BY"), rows, notes)
