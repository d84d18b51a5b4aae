"""`envkit adopt`: both IDEs onto an image that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import complete, options

if TYPE_CHECKING:
    from envkit.image.adopt import Adopted


@click.command(
    epilog="Example: envkit adopt registry.example/team/train:1.0 --tag train-ide:1.0",
    help="""Put JupyterLab and code-server onto IMAGE, prove that they work, and tag the result.

    IMAGE is an image, or a container that is not envkit's: of that, a copy is taken (its mounts and the
    variables that it was started with are not in it; secrets in what was written there are refused).
    IMAGE stays as it is.

    Kept are its Python, torch and packages, its user and its variables; a command that is given to the new
    image goes through IMAGE's own entrypoint, as before.
    """,
)
@click.argument("image", metavar="IMAGE", shell_complete=complete.images)
@click.option("--tag", metavar="NAME:TAG", help="The new image's name.  [default: NAME-ide:TAG]")
@click.option("--dry-run", is_flag=True, help="Look into IMAGE, print the plan, and stop.")
@click.option("--scrub", is_flag=True, help="Of a container: leave out the secrets that were written in it.")
@click.option("--by-commit", is_flag=True, help="Install in a container of IMAGE and commit it; no build.")
@options.host
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, progress as JSON lines.")
def command(  # noqa: PLR0913  click hands over every option by name
    image: str,
    tag: str | None,
    dry_run: bool,
    scrub: bool,
    by_commit: bool,
    host_name: str | None,
    as_json: bool,
) -> None:
    """Look, plan, build, prove, tag."""
    from dataclasses import replace

    from envkit.cli import output, plan, progress
    from envkit.cli.site import opened_host
    from envkit.engines.docker import connect
    from envkit.hosts.local import LocalHost
    from envkit.image.adopt import Place
    from envkit.save.adoption import adopt, plan_adoption
    from envkit.save.installing import make_by_commit

    host = opened_host(host_name) if host_name else LocalHost()
    engine = connect(host)
    with progress.shown(as_json=as_json) as reports:
        place = Place(engine=engine, host=host, reports=reports)
        if by_commit:
            place = replace(place, make=make_by_commit)
        if dry_run:
            planned = plan_adoption(image, tag, place, scrub=scrub)
        else:
            adopted = adopt(image, tag, place, scrub=scrub)
    if dry_run:
        plan.show(planned, as_json=as_json)
    elif as_json:
        output.show_json(adopted)
    else:
        output.show(summary(adopted))


def summary(adopted: Adopted) -> str:
    """Return what came of it, and what was kept, in a few lines."""
    from envkit.cli import build

    kept = adopted.kept
    lines = [build.summary(adopted.built)]
    if kept.python:
        torch = f" with torch {kept.python.torch}" if kept.python.torch else ""
        lines.append(f"  kept: Python {kept.python.version} ({kept.python.program}){torch}")
    if kept.entrypoint:
        words = " ".join(kept.entrypoint.words)
        does = (
            "every given command goes through it"
            if kept.entrypoint.wraps
            else "in a label only: it runs no command"
        )
        lines.append(f"  kept: its entrypoint {words} ({does})")
    return "\n".join(lines)
