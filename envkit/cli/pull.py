"""`envkit pull`: fetch an image from a registry."""

from __future__ import annotations

import click

from envkit.cli import options, output


@click.command("pull", epilog="Example: envkit pull registry.example:5000/team/my-env:1.0")
@click.argument("reference", metavar="REF")
@options.host
@options.as_json
def command(reference: str, host_name: str | None, as_json: bool) -> None:
    """Fetch REF from its registry, with docker's own login for it, and say what the image has proven."""
    from envkit.cli.site import open_engine
    from envkit.image.pull import pull

    pulled = pull(open_engine(host_name), reference, (lambda _: None) if as_json else _say)
    if as_json:
        output.show_json(pulled)
        return
    output.show(pulled.digest or pulled.image)
    came = "was here already" if pulled.was_here else "is here"
    output.note(
        f"{reference} {came}: {output.human_bytes(pulled.size_bytes)}, {pulled.verdict or 'no verdict'}"
    )
    proven = "" if pulled.verdict else f"`envkit verify {reference}` proves it; "
    output.note(f"{proven}`envkit up {reference}` starts it")


def _say(line: str) -> None:
    """Print a line for each layer that is here; what the engine does on the way there is left out."""
    if not line.endswith(("Pulling fs layer", "Waiting", "Verifying Checksum", "Download complete")):
        output.note(line)
