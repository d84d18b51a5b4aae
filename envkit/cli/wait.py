"""`envkit wait`: wait until an environment or a run is running, or has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.site import Site
    from envkit.run.listing import Run


@click.command("wait", epilog="Example: envkit wait my-env --for stopped --timeout 3600")
@options.environment_or_run
@click.option(
    "--for",
    "wanted",
    type=click.Choice(["running", "stopped"]),
    help="Until it runs (an environment: its services answer), or has ended in any way.  [default: running; "
    "of a run: stopped]",
)
@click.option(
    "--timeout", metavar="SECONDS", type=click.FloatRange(0), help="Give up then.  [default: never]"
)
@options.host
@options.as_json
def command(
    name: str | None,
    wanted: Literal["running", "stopped"] | None,
    timeout: float | None,
    host_name: str | None,
    as_json: bool,
) -> None:
    """Wait until an environment runs, or a training run has ended, and print its state.

    An environment that has stopped, or whose service has died for good, will not run by itself: exit code 1.
    A run that ended and did not finish: 8.
    """
    from envkit.cli.site import open_site
    from envkit.environment.starting import wait_for
    from envkit.run.listing import Run
    from envkit.run.which import meant

    site, patience_s = open_site(host_name), float("inf") if timeout is None else timeout
    named = meant(site, name)
    if isinstance(named, Run):
        click.get_current_context().exit(_run(site, named, wanted or "stopped", patience_s, as_json=as_json))
    found = wait_for(site, named, wanted or "running", patience_s)
    if as_json:
        output.show_json(found)
    else:
        output.show(
            f"environment {found.name} is {found.state}" + (f": {found.reason}" if found.reason else "")
        )


def _run(
    site: Site, run: Run, wanted: Literal["running", "stopped"], timeout_s: float, *, as_json: bool
) -> int:
    """Wait for a run; return the exit code."""
    from envkit.cli.run_end import code
    from envkit.cli.runs import as_told
    from envkit.run.ending import wait

    run = wait(site, run, wanted, timeout_s, output.note)
    if as_json:
        output.show_json(as_told(run))
    else:
        output.show(f"run {run.name}: {run.sentence or run.state}")
    return code(run.end) if run.end else 0
