"""`envkit images`: list our images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.save.stock import Stocked


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
            one.names[0] if one.names else "",
            short_id(one.id),
            output.human_bytes(one.size_bytes),
            one.verdict,
        )
        for one in found
    ]
    output.show_table(("IMAGE", "ID", "SIZE", "VERDICT"), rows, [_below(one) for one in found])


def _below(one: Stocked) -> str:
    also = f"also {', '.join(one.names[1:])}" if one.names[1:] else ""
    users = f"in use by {', '.join(one.used_by)}" if one.used_by else ""
    return output.below(*filter(None, (also, users)), *one.lineage)
