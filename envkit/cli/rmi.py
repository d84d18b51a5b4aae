"""`envkit rmi`: remove images of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import complete, options, output

if TYPE_CHECKING:
    from envkit.save.stock import Taken


@click.command("rmi", epilog="Example: envkit rmi my-env:old my-env:older")
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True, shell_complete=complete.our_images)
@options.host
@options.as_json
def command(names: tuple[str, ...], host_name: str | None, as_json: bool) -> None:
    """Remove images of ours that nobody uses; when one of them may not go, none goes.

    By its id an image goes with all its names. Nothing is forced, and somebody else's image is left alone.
    """
    from envkit.cli.site import open_engine
    from envkit.save.stock import remove

    taken = remove(open_engine(host_name), names, (lambda _: None) if as_json else _show)
    if as_json:
        output.show_json(taken)


def _show(taken: Taken) -> None:
    output.note(
        f"{taken.name} is removed" if taken.is_gone else f"{taken.name} is gone; its image has other names"
    )
