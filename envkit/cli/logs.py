"""`envkit logs`: print what an environment, or a training run, prints."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.engines.values import LogLine
    from envkit.environment.reading import ReadRequest
    from envkit.environment.site import Site
    from envkit.run.listing import Run
    from envkit.run.output import Wanted

_NS = 1_000_000_000


@click.command("logs", epilog="Example: envkit logs my-env -f --since 10m")
@options.environment_or_run
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until it ends.")
@click.option("--since", metavar="MOMENT", help="Begin there: 10m, 2h, or 2026-05-01T09:30.")
@click.option("--tail", metavar="N", type=click.IntRange(0), help="Begin with the last N lines.")
@click.option("--timestamps", is_flag=True, help="Put its moment (UTC) before each line.")
@click.option(
    "--service",
    type=click.Choice(["jupyterlab", "code-server", "code-server-door"]),
    help="Only the lines of this service.",
)
@click.option("--rank", metavar="N", type=click.IntRange(0), help="A run: only what this process prints.")
@click.option(
    "--attempt", metavar="N", type=click.IntRange(1), help="A run: this attempt.  [default: the last]"
)
@options.host
def command(  # noqa: PLR0913  click hands over every option by name
    name: str | None,
    follow: bool,
    since: str | None,
    tail: int | None,
    timestamps: bool,
    service: str | None,
    rank: int | None,
    attempt: int | None,
    host_name: str | None,
) -> None:
    """Print what an environment and its services print, or a training run.

    Every line comes once: through a rotation of the log, a cut line, a restart of the engine. Of an
    environment the newest 100 to 150 MB are kept, of a run what `train --log-limit` says.
    """
    from envkit.cli.site import looked_at
    from envkit.run.listing import Run
    from envkit.run.output import Wanted
    from envkit.run.which import meant

    site = looked_at(host_name)
    found = meant(site, name)
    if isinstance(found, Run):
        _refuse("a run has no --since, --timestamps or --service", since, timestamps, service)
        _of_run(site, found, Wanted(rank=rank, attempt=attempt, tail=tail), follow=follow)
        return
    from envkit.engines.values import LogRequest
    from envkit.environment.reading import ReadRequest
    from envkit.plan.moments import moment_ns

    _refuse("--rank and --attempt are for a run", rank is not None, attempt)
    begin = None if since is None else moment_ns(since, time.time_ns(), option="--since")
    log = LogRequest(since_ns=begin, tail=tail, follow=follow)
    _of_environment(site, found, ReadRequest(log=log, service=service), timestamps=timestamps)


def _of_environment(site: Site, name: str | None, asked: ReadRequest, *, timestamps: bool) -> None:
    from envkit.environment.reading import read_log

    printed = False
    for batch in read_log(site.engine, name, asked, output.note):
        lines = (_stamp(line) + line.text if timestamps else line.text for line in batch)
        sys.stdout.buffer.write(b"".join(line + b"\n" for line in lines))
        sys.stdout.buffer.flush()
        printed = True
    if asked.service and not printed:
        output.note(f"{asked.service} printed nothing; an image of an older envkit does not mark its lines")


def _refuse(what: str, *given: object) -> None:
    from envkit.errors import UsageError

    if any(given):
        raise UsageError(what, fix="leave it out")


def _of_run(site: Site, run: Run, wanted: Wanted, *, follow: bool) -> None:
    from envkit.cli.run_end import follow_to_end, where_rank_is, write
    from envkit.run.nodes import names_of
    from envkit.run.output import log_of, read

    site, run = where_rank_is(site, run, wanted.rank)
    log = log_of(run, wanted)
    if not follow:
        for part in read(site.host, run, wanted):
            write(part)
        if not run.is_over and site.host.read_from(Path(log), 0) is None:
            output.note(f"run {run.name} is {run.state} and has printed nothing yet")
        if wanted.rank is None and len(names_of(run)) > 1:
            output.note(
                f"this is what node 0 ({names_of(run)[0]}) printed; `--rank N` has any node's, "
                f"`envkit attach {run.name}` follows all"
            )
        return
    if wanted.attempt not in (None, run.attempt):
        _refuse("-f follows the last attempt", "--attempt")
    follow_to_end(site, run, rank=wanted.rank, tail=wanted.tail)


def _stamp(line: LogLine) -> bytes:
    seconds, rest = divmod(line.time_ns, _NS)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest:09}Z ".encode()
