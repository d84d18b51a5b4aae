"""Show a build as it goes: a compact live view on a terminal, plain lines elsewhere. All on stderr."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from envkit.cli import output
from envkit.engines.build_log import short
from envkit.engines.values import BuildEvent
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
    """A line for each thing that ends, and for each step that begins to speak."""

    as_json: bool
    started: float = field(default_factory=lambda: time.monotonic())
    speaking: set[str] = field(default_factory=set)
    say: Callable[[str], None] = output.note

    def note(self, text: str) -> None:
        """Print a line."""
        self._print({"kind": "note", "text": text}, text)

    def event(self, event: BuildEvent) -> None:
        """Print a line for a step that began to speak, or ended; with JSON, for everything."""
        step = short(event.step, 80)
        text = {
            "line": "" if event.step in self.speaking else f"{step} …",
            "done": f"{step} ({_duration(event)})",
            "cached": f"{step} (cached)",
            "failed": f"{step}: {_reason(event.text)}",
        }.get(event.kind, "")
        if event.kind == "line":
            self.speaking.add(event.step)
        if self.as_json or text:
            self._print(asdict(event), text)

    def item(self, item: Item) -> None:
        """Print an item of the verdict."""
        self._print({"kind": "item", **asdict(item)}, item_line(item))

    def _print(self, value: dict[str, Any], text: str) -> None:
        elapsed = time.monotonic() - self.started
        if self.as_json:
            self.say(json.dumps({"at_s": round(elapsed, 1), **value}, ensure_ascii=False))
        else:
            self.say(f"[{elapsed:6.1f}s] {text}")


def _reason(text: str) -> str:
    """Return why a step failed in few words: builders repeat the whole instruction."""
    code = re.search(r"exit code: \d+$", text)
    return code[0] if code else short(text.removeprefix("ERROR: "), 80)


def _duration(event: BuildEvent) -> str:
    return "done" if event.seconds is None else output.human_seconds(event.seconds)


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
        self._doing = (time.monotonic(), "")
        self._lines = Lines(as_json=False, say=self._above)
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
        self._doing = (time.monotonic(), text)
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

    def _above(self, text: str) -> None:
        """Print a line above what is live; click's echo would write into the midst of it."""
        from rich.text import Text

        self._console.print(Text(text), soft_wrap=True)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=12, justify="right", style="cyan", no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        now = time.monotonic()
        for step, (began, line) in list(self._running.items()):
            table.add_row(output.human_seconds(now - began), Text(short(step)))
            if line:
                table.add_row("", Text(line, style="dim"))
        began, doing = self._doing
        if doing and not self._running:
            table.add_row(output.human_seconds(now - began), Text(doing))
        return table
