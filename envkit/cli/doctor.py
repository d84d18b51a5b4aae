"""`envkit doctor`: look at a machine, or look a failure text up."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.compat.failures import Explanation
    from envkit.doctor.examine import Examination

_SHOWN = 3  # explanations; --json has them all
_WORDS = {"ok": "ok", "warn": "warn", "fail": "FAIL"}


@click.command("doctor", epilog="Example: envkit doctor --log train.log")
@click.option(
    "--log",
    metavar="FILE",
    help="Look at no machine: explain the failure at a log's end; `-` reads what is piped in.",
)
@options.host
@options.as_json
def command(log: str | None, host_name: str | None, as_json: bool) -> None:
    """Look at this machine or a host: engine, disks, clock, limits, cards; say how to mend what is wrong.

    It changes nothing. Exit code 0: nothing fails (warnings do not count); else 5 for the engine, 6 for the
    machine, 7 for a card.
    """
    from envkit.errors import UsageError

    if log is None:
        _examine(host_name, as_json=as_json)
    elif host_name is not None:
        raise UsageError("--log reads a file of this machine", fix="leave --host out, or copy the log here")
    else:
        from envkit.doctor.log import explain_file

        _show_log(explain_file(log, sys.stdin.buffer), as_json=as_json)


def _examine(host_name: str | None, *, as_json: bool) -> None:
    from envkit.cli.site import opened_host
    from envkit.doctor.examine import examine
    from envkit.doctor.finding import error_of
    from envkit.engines.docker import connect
    from envkit.hosts.local import LocalHost

    host = LocalHost() if host_name is None else opened_host(host_name)
    found = examine(host, connect, time.time())
    if as_json:
        output.show_json({"host": host_name, "outcome": found.outcome, "findings": found.findings})
    else:
        _show(found)
    if error := error_of(found.findings):
        raise error


def _show(found: Examination) -> None:
    rows = [(_WORDS[one.outcome], one.check, one.what) for one in found.findings]
    output.show_checks(rows, [one.fix for one in found.findings])


def _show_log(found: tuple[Explanation, ...], *, as_json: bool) -> None:
    if as_json:
        output.show_json(
            [
                {
                    "id": one.failure.id,
                    "line": one.line,
                    "number": one.number,
                    "harmless": one.is_harmless,
                    "cause": one.failure.cause,
                    "fix": one.failure.fix,
                    "source": one.failure.source,
                }
                for one in found
            ]
        )
        return
    for one in found[:_SHOWN]:
        output.show(f"line {one.number}: {one.line}")
        output.show(f"  cause: {one.failure.cause}")
        output.show(f"  fix: {one.failure.fix}")
    if len(found) > _SHOWN:
        output.note(f"and {len(found) - _SHOWN} more that matter less: --json shows them")
