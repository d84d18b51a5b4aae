"""`envkit doctor`: look a failure text up."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.compat.failures import Explanation

_SHOWN = 3  # explanations; --json has them all


@click.command("doctor", epilog="Example: envkit doctor --log train.log")
@click.option(
    "--log",
    metavar="FILE",
    required=True,
    help="Explain the failure at a log's end; `-` reads what is piped in.",
)
@options.as_json
def command(log: str, as_json: bool) -> None:
    """Say what a failure text means and what to do: of torch, of CUDA, of Ascend, of the engine."""
    from envkit.doctor.log import explain_file

    _show_log(explain_file(log, sys.stdin.buffer), as_json=as_json)


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
