"""`envkit push`: send an image to a registry, and prove that it is there."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import click

from envkit.cli import complete, options, output

if TYPE_CHECKING:
    from envkit.engines.values import Sent
    from envkit.image.push import Pushed, View

_EVERY_S = 10.0  # between two lines on one layer
_WORDS = {
    "sent": "sent",
    "there": "was there",
    "again": "not taken by the registry; the engine tries again",
}


@click.command("push", epilog="Example: envkit push my-env:dev --to registry.example:5000/team/my-env:1.0")
@click.argument("image", metavar="IMAGE", shell_complete=complete.our_images)
@click.option(
    "--to",
    metavar="REF",
    help="REGISTRY/NAMESPACE/NAME:TAG.  [default: IMAGE's own name, where it has all that]",
)
@click.option(
    "--platform",
    metavar="NAME",
    shell_complete=complete.platforms,
    help="Look first at what this platform needs of an image, and print what is to do there: ctyun, harbor.",
)
@click.option(
    "--way",
    type=click.Choice(("auto", "engine", "skopeo")),
    default="auto",
    show_default=True,
    help="Who sends it: skopeo, where it is and the engine has not been at that registry; else the engine.",
)
@click.option(
    "--zstd",
    is_flag=True,
    help="Compress with zstd (skopeo): smaller, but Docker 20.10 cannot read it.",
)
@click.option(
    "--timeout",
    "silence_s",
    metavar="SECONDS",
    type=click.FloatRange(1),
    default=600.0,
    show_default=True,
    help="How long nothing may move.",
)
@options.host
@options.as_json
def command(  # noqa: PLR0913  click hands over every option by name
    image: str,
    to: str | None,
    platform: str | None,
    way: Literal["auto", "engine", "skopeo"],
    zstd: bool,
    silence_s: float,
    host_name: str | None,
    as_json: bool,
) -> None:
    """Send IMAGE to a registry. It is done when the registry itself has shown the same manifest.

    The login is docker's own (`docker login REGISTRY`), and goes to that registry alone. What has arrived is
    kept: run it again after an error. With --host the engine there sends it.
    """
    from envkit.cli.site import open_site
    from envkit.image.push import PushWish, push

    wish = PushWish(
        image=image,
        to=to,
        platform=platform,
        silence_s=silence_s,
        way=way,
        compression="zstd" if zstd else "gzip",
    )
    site = open_site(host_name)
    with _shown(as_json=as_json) as view:
        pushed = push(site.engine, site.host, wish, view)
    if as_json:
        output.show_json(pushed)
    else:
        _show(pushed)


def _show(pushed: Pushed) -> None:
    for need in pushed.needs:
        output.note(f"ok  {need.what}: {need.reason}")
    tries = f", {pushed.tries} tries" if pushed.tries > 1 else ""
    took = f"{output.human_seconds(pushed.seconds)}{tries}"
    output.note(f"{_amount(pushed)}, {took}; the registry's manifest was read back and is ours")
    output.show(f"{pushed.reference}@{pushed.digest}")
    for step in pushed.next_steps:
        output.note(f"next: {step}")


def _amount(pushed: Pushed) -> str:
    of = f", {output.human_bytes(pushed.all_bytes)} in all" if pushed.all_bytes else ""
    if pushed.sent is None:
        return f"{pushed.layers} layers are there{of}"
    sent = f" ({output.human_bytes(pushed.sent_bytes)})" if pushed.sent_bytes else ""
    return f"{pushed.sent} of {pushed.layers} layers sent{sent}, {pushed.layers - pushed.sent} were there{of}"


@contextmanager
def _shown(*, as_json: bool) -> Iterator[View]:
    from envkit.image.push import View

    if as_json:
        yield View(note=lambda text: None, sent=lambda sent: None)
    elif sys.stderr.isatty():
        with _bars() as view:
            yield view
    else:
        yield View(note=output.note, sent=lines(output.note, time.monotonic))


def lines(say: Callable[[str], None], clock: Callable[[], float]) -> Callable[[Sent], None]:
    """Return what says a line for each layer that is there, and now and then how far a long one is."""
    said: dict[str, float] = {}
    again: set[str] = set()

    def hear(sent: Sent) -> None:
        if sent.state in ("sent", "there"):
            if said.get(sent.layer) != -1.0:
                say(f"  {sent.layer}  {_WORDS[sent.state]}")
            said[sent.layer] = -1.0
        elif sent.state == "again":
            if sent.layer not in again:
                say(f"  {sent.layer}  {_WORDS[sent.state]}")
            again.add(sent.layer)
        elif sent.state == "sending" and clock() - said.setdefault(sent.layer, clock()) >= _EVERY_S:
            said[sent.layer] = clock()
            done, whole = output.human_bytes(sent.done_bytes), output.human_bytes(sent.all_bytes)
            say(f"  {sent.layer}  {done} of {whole}")

    return hear


@contextmanager
def _bars() -> Iterator[View]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
    from rich.text import Text

    from envkit.image.push import View

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def say(text: str) -> None:
            console.print(Text(text), soft_wrap=True)

        def hear(sent: Sent) -> None:
            known = tasks.get(sent.layer)
            if sent.state == "sending":
                if known is None:
                    known = tasks[sent.layer] = progress.add_task(sent.layer)
                progress.update(known, completed=sent.done_bytes, total=max(sent.all_bytes, sent.done_bytes))
            elif sent.state in ("sent", "there") or (sent.state == "again" and known is not None):
                if known is not None:
                    progress.remove_task(tasks.pop(sent.layer))
                say(f"  {sent.layer}  {_WORDS[sent.state]}")

        yield View(note=say, sent=hear)
