"""`envkit verify`: prove that an image works, item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envkit.cli import complete, options, output

if TYPE_CHECKING:
    from envkit.image.verdict import Item, Verdict

MARKS = {"passed": "ok", "failed": "NO", "not-applicable": "--"}


@click.command("verify", epilog="Example: envkit verify cpu:dev")
@click.argument("image", metavar="IMAGE", shell_complete=complete.images)
@options.host
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def command(image: str, host_name: str | None, as_json: bool) -> None:
    """Prove that IMAGE works: start it, try both IDEs, torch, kernels, terminals, signals.

    It runs as its own user and again as an arbitrary uid of group 0. Any image can be tried: somebody
    else's is started by its own programs, as its own user only. Exit code 9 when something fails.
    """
    from envkit.cli.site import open_engine
    from envkit.errors import VerifyError
    from envkit.image.verdict import summary
    from envkit.image.verify import verify

    printer = Printer()
    verdict = verify(open_engine(host_name), image, (lambda _: None) if as_json else printer.item)
    if as_json:
        output.show_json({**output.plain(verdict), "passed": verdict.passed})
    else:
        show_end(verdict)
    if not verdict.passed:
        raise VerifyError(
            f"{image} does not pass\n    no: {_lacks(verdict)}",
            fix="the reasons stand above; `envkit inspect` shows what is in it",
        )
    output.note(f"{image} {summary(verdict)}")


def _lacks(verdict: Verdict) -> str:
    """Return what failed, each once: a missing service in words, else the item's name."""
    failed = (item.reason if item.reason.endswith(" missing") else item.id for item in verdict.failed)
    return ", ".join(sorted(set(failed), key=str.lower)) or "nothing could be tried"


class Printer:
    """Prints items as they come, under a line for each identity."""

    def __init__(self) -> None:
        self._identity = ""

    def item(self, item: Item) -> None:
        """Print one item."""
        if item.identity != self._identity:
            self._identity = item.identity
            output.show(f"as {item.identity}")
        output.show(line(item))


def line(item: Item) -> str:
    """Return an item in one line: outcome, id, time, reason."""
    took = output.human_seconds(item.seconds) if item.seconds else ""
    return f"  {MARKS[item.outcome]}  {item.id:<20}{took:>7}  {item.reason}"


def show_end(verdict: Verdict) -> None:
    """Print what is missing by permission."""
    for name, reason in verdict.missing:
        output.show(f"missing, as allowed: {name} ({reason})")
