"""`envkit idle`: tell whether anybody uses an environment, and when it would stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.idle import Explained, Signal


@click.group(name="idle", epilog="Example: envkit idle explain my-env")
def command() -> None:
    """Tell whether anybody uses an environment."""


@command.command(
    short_help="Tell every signal, and what follows.", epilog="Example: envkit idle explain my-env"
)
@options.environment
@options.host
@options.as_json
def explain(name: str | None, host_name: str | None, as_json: bool) -> None:
    """Look now, for two seconds, at every kind of use; say since when each is quiet and when it would stop.

    Use is: a connection to an IDE, a busy kernel, a program in a terminal or a key pressed there, a card
    that computes, a process that uses 2 % of a core. TensorBoard's page is none. NAME may be left out where
    there is only one.
    """
    from envkit.cli.site import open_engine
    from envkit.environment.idle import explain as look

    found = look(open_engine(host_name), name)
    if as_json:
        output.show_json(found)
        return
    output.show(f"environment {found.name}: {found.state}; {_verdict(found)}")
    output.show_reasons([(f"  {signal.name}", _since(signal), signal.value) for signal in found.signals])


def _since(signal: Signal) -> str:
    from envkit.plan.durations import about

    if signal.failed:
        return "unknown"
    if signal.active:
        return "in use"
    return "quiet" if signal.quiet_s is None else f"quiet for {about(signal.quiet_s)}"


def _verdict(found: Explained) -> str:
    from envkit.plan.durations import about

    if found.idle_after_s is None:
        return "it never stops by itself (`envkit up --idle-stop 2h` makes one that does)"
    kept = f", and not in the next {about(found.kept_s)} (`envkit keep`)" if found.kept_s else ""
    if found.state == "active" or found.stops_in_s is None:
        return f"it stops after {about(found.idle_after_s)} without use{kept}"
    return f"it stops in {about(found.stops_in_s)} if nobody uses it{kept}"
