"""`envkit stop`: stop environments and training runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.site import Site
    from envkit.run.listing import Run

_SAID = {
    "stopped": "environment {name} is stopped",
    "killed": "environment {name} is stopped; it did not end within {grace_s:g} s and was killed",
    "was not running": "environment {name} was not running",
}


@click.command("stop", epilog="Example: envkit stop my-env")
@options.environments_or_runs
@options.every
@click.option("--now", is_flag=True, help="A run: end it at once, without time to save.")
@options.host
def command(names: tuple[str, ...], every: bool, now: bool, host_name: str | None) -> None:
    """Stop environments; nothing is lost, `envkit start` starts them again with new tokens.

    A training run is asked to finish: it has its grace (120 s, or `train --grace`) to save, and is ended
    then. NAME may be left out where there is only one environment.
    """
    from envkit.cli.site import open_site
    from envkit.environment.ending import stop_all
    from envkit.run.which import all_meant

    site = open_site(host_name)
    environments, runs = all_meant(site, names)
    for run in runs:
        _stop_run(site, run, now=now)
    if runs and not environments:
        return
    if now:
        raise click.UsageError("--now is for runs; an environment ends within 15 s anyway")
    done = stop_all(site.engine, environments, every=every)
    for one in done:
        output.note(_SAID[one.how].format(name=one.name, grace_s=one.grace_s))
    if not done:
        output.note("there is no environment")


def _stop_run(site: Site, run: Run, *, now: bool) -> None:
    from envkit.errors import Interrupted
    from envkit.run.ending import stop_and_wait

    try:
        ended = stop_and_wait(site, run, output.note, now=now)
    except KeyboardInterrupt:
        raise Interrupted(
            f"run {run.name} was asked, and is still saving",
            fix=f"`envkit stop {run.name} --now` ends it at once",
        ) from None
    had = " had ended already" if run.is_over else ""
    output.note(f"run {run.name}{had}: {ended.sentence or ended.state}")
