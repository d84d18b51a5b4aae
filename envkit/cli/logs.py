"""`envkit logs`: print what an environment prints."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.engines.values import LogLine

_NS = 1_000_000_000


@click.command("logs", epilog="Example: envkit logs my-env -f --since 10m")
@options.environment
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until the environment ends.")
@click.option("--since", metavar="MOMENT", help="Begin there: 10m, 2h, or 2026-05-01T09:30.")
@click.option("--tail", metavar="N", type=click.IntRange(0), help="Begin with the last N lines.")
@click.option("--timestamps", is_flag=True, help="Put its moment (UTC) before each line.")
@click.option(
    "--service",
    type=click.Choice(["jupyterlab", "code-server", "code-server-door"]),
    help="Only the lines of this service.",
)
@options.host
def command(  # noqa: PLR0913  click hands over every option by name
    name: str | None,
    follow: bool,
    since: str | None,
    tail: int | None,
    timestamps: bool,
    service: str | None,
    host_name: str | None,
) -> None:
    """Print what an environment and its services print.

    Every line comes once: through a rotation of the log, a cut line, a restart of the engine. The newest
    100 to 150 MB are kept.
    """
    from envkit.cli.site import open_engine
    from envkit.engines.values import LogRequest
    from envkit.environment.reading import ReadRequest, read_log
    from envkit.plan.moments import moment_ns

    begin = None if since is None else moment_ns(since, time.time_ns(), option="--since")
    asked = ReadRequest(log=LogRequest(since_ns=begin, tail=tail, follow=follow), service=service)
    printed = False
    for batch in read_log(open_engine(host_name), name, asked, output.note):
        lines = (_stamp(line) + line.text if timestamps else line.text for line in batch)
        sys.stdout.buffer.write(b"".join(line + b"\n" for line in lines))
        sys.stdout.buffer.flush()
        printed = True
    if service and not printed:
        output.note(f"{service} printed nothing; an image of an older envkit does not mark its lines")


def _stamp(line: LogLine) -> bytes:
    seconds, rest = divmod(line.time_ns, _NS)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest:09}Z ".encode()
