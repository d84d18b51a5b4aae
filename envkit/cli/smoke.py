"""`envkit smoke`: does the card, or the CPU, work?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from envkit.cli import complete, options, output

if TYPE_CHECKING:
    from envkit.smoke.baseline import Baseline
    from envkit.smoke.result import Report, Result
    from envkit.smoke.run import Hear
    from envkit.smoke.target import Wish

MARKS = {"passed": "ok", "failed": "NO", "warned": "!!", "skipped": "--"}
_WORDS = 3  # lines of what a failed check printed last


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options as they were written."""

    target: str | None
    device: str
    share: bool
    tier: Literal["quick", "full"] | None
    only: tuple[str, ...]
    here: bool
    python: str | None
    shm: str | None
    baseline: str | None
    save: str | None
    junit: str | None
    host_name: str | None
    as_json: bool

    def wish(self) -> Wish:
        """Return what is wished for."""
        from envkit.plan.devices import parse_device
        from envkit.plan.sizes import mib
        from envkit.smoke.target import Wish

        return Wish(
            target=self.target,
            device=parse_device(self.device),
            tier=self.tier or "standard",
            only=self.only,
            python=self.python,
            shm_mib=None if self.shm is None else mib(self.shm, option="--shm"),
            share=self.share,
        )


@click.command("smoke", epilog="Example: envkit smoke cpu:dev --quick --junit smoke.xml")
@click.argument("target", metavar="[IMAGE|ENV]", required=False, shell_complete=complete.images)
@click.option(
    "--device",
    default="auto",
    metavar="DEVICE",
    help="Which cards: auto, cpu, cuda:0,1 or ascend:0-3.  "
    "[default: auto, all that are free and that the image is for]",
)
@options.share
@click.option("--quick", "tier", flag_value="quick", help="In half a minute: small sizes, no compiler.")
@click.option("--full", "tier", flag_value="full", help="Larger and longer, and a minute of one product.")
@click.option(
    "--only",
    metavar="CHECK",
    multiple=True,
    help="Only this check, as in matmul or all-reduce; may be given several times.",
)
@click.option("--here", is_flag=True, help="No container: the machine's own Python.")
@click.option(
    "--python", metavar="PATH", help="Which Python.  [default: the image's own, or the first on PATH]"
)
@click.option("--shm", metavar="SIZE", help="Shared memory, as in 8g.  [default: half of the memory]")
@click.option("--baseline", metavar="FILE", help="Fail on what is slower than this earlier result.")
@click.option("--save", metavar="FILE", help="Write the result there, as --json prints it.")
@click.option("--junit", metavar="FILE", help="Write it as JUnit XML.")
@options.host
@options.as_json
def command(**values: Any) -> None:
    """Measure whether torch works on the device: right, fast enough, and in all that training needs.

    In an image (anybody's, in a container for the moment), in a running environment, or with --here.
    Results are held against float64 on the CPU, speeds against the card's published peak. What cannot be
    tried is skipped, with its reason. Exit code 7 without the device, 8 when a check fails.
    """
    from envkit.errors import RunError
    from envkit.smoke import baseline
    from envkit.smoke.run import require_device

    asked = Asked(**values)
    before = baseline.read(asked.baseline) if asked.baseline else None
    printer = Printer()
    report = _tested(asked, (lambda _: None) if asked.as_json else printer.result, before)
    printer.end()
    _write(asked, report)
    if asked.as_json:
        output.show_json({**output.plain(report), "passed": report.passed})
    require_device(report)
    if not report.passed:
        raise RunError(f"{report.target} does not pass\n    no: {_lacks(report)}", fix=_fix(report))
    output.note(_summary(report))


def _tested(asked: Asked, hear: Hear, before: Baseline | None) -> Report:
    from envkit.cli.site import open_site, opened_host
    from envkit.errors import UsageError
    from envkit.hosts.local import LocalHost
    from envkit.smoke.run import smoke, smoke_here

    for path in (asked.save, asked.junit):
        if path and not Path(path).absolute().parent.is_dir():
            raise UsageError(f"there is no folder for {path}", fix="make it first")
    with _ended_as_by_ctrl_c():
        if not asked.here:
            return smoke(open_site(asked.host_name), asked.wish(), hear, before)
        host = opened_host(asked.host_name) if asked.host_name else LocalHost()
        return smoke_here(host, asked.wish(), hear, before)


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let a signal that ends us end what we started too: a card must not stay taken."""
    import signal

    told = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in told}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class Printer:
    """Prints results as they come; those that are skipped for one reason share a line."""

    def __init__(self) -> None:
        self._skipped: list[Result] = []

    def result(self, result: Result) -> None:
        """Print one, or keep it until the next tells whether it has company."""
        if self._skipped and (result.outcome, result.reason) != ("skipped", self._skipped[0].reason):
            self.end()
        if result.outcome == "skipped" and not result.figure:
            self._skipped.append(result)
            return
        self._line(result, result.id)

    def end(self) -> None:
        """Print what was kept."""
        if self._skipped:
            more = f" and {len(self._skipped) - 1} more" if len(self._skipped) > 1 else ""
            self._line(self._skipped[0], self._skipped[0].id + more)
        self._skipped = []

    def _line(self, result: Result, name: str) -> None:
        took = output.human_seconds(result.seconds) if result.outcome != "skipped" else ""
        says = "; ".join(part for part in (result.figure, result.reason) if part)
        output.show(f"{MARKS[result.outcome]}  {name:<18}{took:>7}  {says}".rstrip())
        for line in result.words.splitlines()[-_WORDS:]:
            output.show(f"      {line}")


def _write(asked: Asked, report: Report) -> None:
    """Write the files that were asked for."""
    import json

    from envkit.smoke.junit import xml

    if asked.save:
        Path(asked.save).write_text(
            json.dumps(output.plain(report), indent=2, ensure_ascii=False) + "\n", "utf-8"
        )
    if asked.junit:
        Path(asked.junit).write_bytes(xml(report))


def _lacks(report: Report) -> str:
    """Return what failed, what is known of why, and what got slower."""
    from envkit.smoke.why import why

    failed = [result.id for result in report.failed] or ([] if report.slower else ["nothing could be tried"])
    known = why(report)
    return "\n        ".join(
        [", ".join(failed)] * bool(failed)
        + ([known.cause] if known else [])
        + [str(one) for one in report.slower]
    )


def _fix(report: Report) -> str:
    """Return what to do."""
    from envkit.smoke.why import why

    known = why(report)
    if known and not any("No module named 'torch'" in result.reason for result in report.failed):
        return known.fix
    if any(result.id == "import" for result in report.failed):
        return "torch must be in that Python: --python names another; `envkit build` makes an image with it"
    return "the reasons stand above; --json has all that was measured"


def _summary(report: Report) -> str:
    """Return the last line: how many of what, on which device."""
    outcomes = [result.outcome for result in report.results]
    words = {"passed": "passed", "warned": "with a warning", "skipped": "skipped"}
    counts = ", ".join(f"{outcomes.count(key)} {word}" for key, word in words.items() if key in outcomes)
    device = ", ".join(sorted({name for name in report.subject.cards if name})) or report.subject.processor
    return f"{report.target} computes on {device}: {counts}, in {output.human_seconds(report.seconds)}"
