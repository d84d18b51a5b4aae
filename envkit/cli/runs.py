"""`envkit runs`: list the training runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.run.listing import Run

_STATES = ("starting", "running", "stopping", "finished", "failed", "stopped", "timed-out", "killed", "lost")
_PLAIN = ("starting", "running", "stopping", "finished")  # states that need no reason


@click.command("runs", epilog="Example: envkit runs --state running --state failed")
@click.option(
    "--home",
    metavar="DIR",
    help="Only those of this /work/home.  [default: ~/envkit/home, and each in use]",
)
@click.option(
    "--state",
    "states",
    metavar="STATE",
    type=click.Choice(_STATES),
    multiple=True,
    help="Only those that are, say, running or failed. May be given again.",
)
@click.option("-n", "--last", metavar="N", type=click.IntRange(1), help="Only the newest N.")
@options.host
@options.as_json
def command(
    home: str | None, states: tuple[str, ...], last: int | None, host_name: str | None, as_json: bool
) -> None:
    """List training runs, the newest first: what became of each, and why.

    Their folders tell it, which stay when containers go: also when no engine answers. The containers of
    detached runs that have ended go with this look.
    """
    from envkit.cli.site import absolute, looked_at
    from envkit.run.listing import runs
    from envkit.run.tidy import tidy

    site = looked_at(host_name)
    found = runs(site, absolute(home, site))
    found = tuple(run for run in found if not states or run.state in states)[:last]
    if as_json:
        output.show_json([as_told(run) for run in found])
    elif not found:
        output.note("there is no such run" if states else "there is no run; `envkit train` starts one")
    else:
        headers = ("NAME", "STATE", "WHERE", "DEVICES", "STARTED", "TOOK")
        output.show_table(headers, [_cells(run) for run in found], [reason(run) for run in found])
    if any(run.container and run.is_over for run in found):
        tidy(site)


def as_told(run: Run) -> dict[str, Any]:
    """Return a run as `--json` prints it."""
    return {
        "name": run.name,
        "state": run.state,
        "reason": run.sentence,
        "beside": run.beside,
        "home": run.home,
        "folder": str(run.folder.path),
        "environment": run.environment,
        "container": run.container,
        "attempt": run.attempt,
        "started": run.started,
        "took_s": run.took_s,
        "end": run.end,
        "record": run.record,
    }


def reason(run: Run) -> str:
    """Return the line below a run: why it is in its state, and what is to be said besides."""
    why = "" if run.state in _PLAIN else run.sentence
    said = "; ".join(filter(None, (why, run.beside)))
    return f"  {said}" if said else ""


def _cells(run: Run) -> tuple[str, ...]:
    told = run.record.record
    where = f"in {run.environment}" if run.environment else str(told.get("image") or "-")
    started = "-" if run.started is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    took = "-" if run.took_s is None else output.human_seconds(run.took_s)
    attempt = f" (attempt {run.attempt})" if run.attempt > 1 else ""
    return run.name, run.state + attempt, where, str(told.get("devices") or "-"), started, took
