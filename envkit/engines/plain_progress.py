"""Read BuildKit's plain progress, as old clients (20.10) and buildx print it, into events. Pure."""

from __future__ import annotations

import re

from envkit.engines.base import BuildEvent

_LINE = re.compile(r"#(?P<id>\d+) (?P<rest>.*)")
_DONE = re.compile(r"DONE (?P<seconds>[0-9.]+)s")
_OUTPUT = re.compile(r"(?P<at>[0-9]+\.[0-9]+) ?(?P<text>.*)")
# What the client prints of its own work; the rest of `[…]` are steps of the Dockerfile.
_INTERNAL = re.compile(
    r"\[internal\]|sha256:|importing|resolve |extracting|exporting (layers|manifest|config)|writing image|naming to"
)


class PlainProgress:
    """Turns lines into events; remembers the name of each numbered step."""

    def __init__(self) -> None:
        self._steps: dict[str, str] = {}
        self.last_step = ""

    def events(self, line: str) -> list[BuildEvent]:
        """Return what a line tells; none for lines that tell nothing."""
        found = _LINE.fullmatch(line)
        if found is None:
            return []
        number, rest = found["id"], found["rest"]
        if number not in self._steps:
            if _INTERNAL.match(rest):
                self._steps[number] = ""
                return []
            self._steps[number] = rest
            self.last_step = rest
            return [BuildEvent(kind="step", step=rest)]
        step = self._steps[number]
        if not step:
            return []
        return self._of_step(step, rest)

    def _of_step(self, step: str, rest: str) -> list[BuildEvent]:
        if rest == "CACHED":
            return [BuildEvent(kind="cached", step=step)]
        if done := _DONE.fullmatch(rest):
            return [BuildEvent(kind="done", step=step, seconds=float(done["seconds"]))]
        if rest.startswith(("ERROR", "CANCELED")):
            return [BuildEvent(kind="failed", step=step, text=rest)]
        if output := _OUTPUT.fullmatch(rest):
            self.last_step = step
            return [BuildEvent(kind="line", step=step, text=output["text"], seconds=float(output["at"]))]
        return []
