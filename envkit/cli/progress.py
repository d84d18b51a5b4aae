"""Show a build as it goes: a compact live view on a terminal, plain lines elsewhere. All on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from envkit.cli import output
from envkit.engines.base import BuildEvent
from envkit.engines.build_log import short
from envkit.image.proving import Reports
from envkit.image.verdict import Item

_MARKS = {"passed": "ok  ", "failed": "FAIL", "not-applicable": "-   "}


class View(Protocol):
    """What shows a build."""

    def note(self, text: str) -> None:
        """Show what is done now."""

    def event(self, event: BuildEvent) -> None:
        """Show what happened in the build."""

    def item(self, item: Item) -> None:
        """Show what was proven, or not."""


@contextmanager
def shown(*, as_json: bool) -> Iterator[Reports]:
    """Yield where a build reports to."""
    if as_json:
        yield _reports(Lines(as_json=True))
    elif sys.stderr.isatty():
        with Live() as live:
            yield _reports(live)
    else:
        yield _reports(Lines(as_json=False))


def _reports(view: View) -> Reports:
    return Reports(note=view.note, event=view.event, item=view.item)


@dataclass
class Lines:
    """One line for each thing that ends."""

    as_json: bool
    started: float = field(default_factory=time.monotonic)

    def note(self, text: str) -> None:
        """Print a line."""
        self._print({"kind": "note", "text": text}, text)

    def event(self, event: BuildEvent) -> None:
        """Print a line for a step that ended; with JSON, for everything."""
        step = short(event.step, 80)
        text = {
            "done": f"{step} ({output.human_seconds(event.seconds or 0)})",
            "cached": f"{step} (cached)",
            "failed": f"{step}: {event.text}",
        }.get(event.kind, "")
        if self.as_json or text:
            self._print(asdict(event), text)

    def item(self, item: Item) -> None:
        """Print an item of the verdict."""
        self._print({"kind": "item", **asdict(item)}, item_line(item))

    def _print(self, value: dict[str, Any], text: str) -> None:
        elapsed = time.monotonic() - self.started
        if self.as_json:
            output.note(json.dumps({"at_s": round(elapsed, 1), **value}, ensure_ascii=False))
        else:
            output.note(f"[{elapsed:6.1f}s] {text}")


def item_line(item: Item) -> str:
    """Return an item of a verdict in one line."""
    reason = f": {item.reason}" if item.reason and item.outcome != "passed" else ""
    where = f"{item.identity}, {output.human_seconds(item.seconds)}"
    return f"{_MARKS[item.outcome]} {item.sentence}{reason} ({where})"


class Live:
    """The steps that run now with their time and last line; what ended scrolls away above."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._running: dict[str, tuple[float, str]] = {}
        self._lines = Lines(as_json=False)
        self._console = Console(stderr=True, highlight=False)
        self._live = RichLive(
            get_renderable=self._table, console=self._console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Live:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def note(self, text: str) -> None:
        """Show what is done now."""
        self._lines.note(text)

    def event(self, event: BuildEvent) -> None:
        """Keep the table of running steps, and print what ended."""
        if event.kind in ("step", "line"):
            began = self._running.get(event.step, (time.monotonic(), ""))[0]
            self._running[event.step] = (began, event.text)
            return
        self._running.pop(event.step, None)
        self._lines.event(event)

    def item(self, item: Item) -> None:
        """Print an item of the verdict."""
        self._lines.item(item)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        table.add_column(width=7, justify="right", style="cyan")
        table.add_column(no_wrap=True, overflow="ellipsis")
        for step, (began, line) in list(self._running.items()):
            table.add_row(output.human_seconds(time.monotonic() - began), Text(short(step, 70)))
            table.add_row("", Text(line, style="dim"))
        return table
