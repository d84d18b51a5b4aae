"""`envkit rm`: remove environments and training runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.ending import Loss
    from envkit.run.ending import Loss as LostRun


@click.command("rm", epilog="Example: envkit rm my-env")
@options.environments_or_runs
@options.every
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.host
def command(names: tuple[str, ...], every: bool, yes: bool, host_name: str | None) -> None:
    """Remove environments, after showing what is lost with them; their /work/home stays.

    Of a training run that has ended the whole folder goes: its model, event files and logs. NAME may be left
    out where there is only one environment.
    """
    from envkit.cli.site import open_site
    from envkit.environment.ending import losses, remove_all
    from envkit.run import ending as run_ending
    from envkit.run.which import all_meant

    site = open_site(host_name)
    environments, runs = all_meant(site, names)
    lost_runs = tuple(run_ending.loss(site, run) for run in runs)
    lost = losses(site.engine, environments, every=every) if environments or not runs else ()
    if not lost and not lost_runs:
        output.note("there is no environment")
        return
    if not yes:
        _ask(lost, lost_runs, names)
    remove_all(site.engine, lost, site.host)
    for one in lost:
        output.note(f"environment {one.environment.name} is removed; {one.environment.home} stays")
    for gone in lost_runs:
        run_ending.remove(site, gone)
        output.note(f"run {gone.run.name} is removed")


def _ask(lost: tuple[Loss, ...], lost_runs: tuple[LostRun, ...], called: tuple[str, ...]) -> None:
    import shlex

    from envkit.errors import EnvkitError, UsageError

    for loss in lost:
        _show(loss)
    for run in lost_runs:
        _show_run(run)
    names = shlex.join(called or [one.environment.name for one in lost])  # a run of another home: its folder
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", fix=f"envkit rm {names} --yes")
    count = len(lost) + len(lost_runs)
    if not click.confirm("remove it?" if count == 1 else f"remove these {count}?", err=True):
        keeps = f"`envkit stop {names}` ends and keeps everything" if lost else "it stays as it is"
        raise EnvkitError("nothing was removed", fix=keeps)


def _show(loss: Loss) -> None:
    one = loss.environment
    output.note(f"environment {one.name} ({one.state}, {one.image})")
    output.note(f"  is lost   what was written outside of /work: {output.human_bytes(loss.written_bytes)}")
    if one.own_cache:
        output.note(f"            its own cache, {one.cache}")
    output.note(f"  stays     {one.home}")


def _show_run(loss: LostRun) -> None:
    parts = {"model/": loss.model_bytes, "logs": loss.log_bytes, "the rest": loss.other_bytes}
    sizes = ", ".join(f"{name} {output.human_bytes(size)}" for name, size in parts.items())
    output.note(f"run {loss.run.name} ({loss.run.state})")
    output.note(f"  is lost   {loss.run.folder.path}: {sizes}")
    if loss.written_bytes:
        output.note(f"            what it wrote outside of /work: {output.human_bytes(loss.written_bytes)}")
