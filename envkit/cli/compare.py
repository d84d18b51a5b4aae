"""`envkit compare`: two training runs, side by side."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from envkit.cli import complete, options, output

if TYPE_CHECKING:
    from envkit.run.compare import Result
    from envkit.run.events import Scalar


@click.command("compare", epilog="Example: envkit compare baseline lower-lr")
@click.argument("before", metavar="RUN", shell_complete=complete.runs)
@click.argument("after", metavar="RUN", shell_complete=complete.runs)
@options.host
@options.as_json
def command(before: str, after: str, host_name: str | None, as_json: bool) -> None:
    """Compare two training runs: where they differ, and what came out last.

    Parameters, code, image, packages and devices are shown where they are not the same; of the event files
    the last value of every scalar.
    """
    from envkit.cli.site import looked_at
    from envkit.run.compare import compare

    found = compare(looked_at(host_name), before, after)
    if as_json:
        output.show_json(found)
        return
    output.show(f"{found.before} -> {found.after}")
    for group, changes in groupby(found.changes, key=lambda change: change.group):
        output.show(group)
        output.show_table(
            (), [output.change_row(change.name, change.before, change.after) for change in changes]
        )
    for name in dict.fromkeys(found.unknown):
        output.note(f"of {name} code and packages are not known yet: they are not compared")
    if not found.changes:
        output.show("they do not differ in what was asked, nor in how they went")
    if found.results:
        rows = [_result(one) for one in found.results]
        output.show_table(("last values", found.before, found.after, "step"), rows)


def _result(one: Result) -> tuple[str, str, str, str]:
    steps = dict.fromkeys(str(each.step) for each in (one.before, one.after) if each)
    return f"  {one.tag}", _value(one.before), _value(one.after), " -> ".join(steps)


def _value(scalar: Scalar | None) -> str:
    from envkit.run.events import shown

    return "-" if scalar is None else shown(scalar.value)
