"""Read BuildKit's plain progress, as old clients (20.10) and buildx print it, into events. Pure."""

from __future__ import annotations

import re

from envkit.engines.values import BuildEvent

_LINE = re.compile(r"#(?P<id>\d+) (?P<rest>.*)")
_DONE = re.compile(r"DONE (?P<seconds>[0-9.]+)s")
_OUTPUT = re.compile(r"(?P<at>[0-9]+\.[0-9]+) ?(?P<text>.*)")
# Output without a newline at its end is followed by the next line at once (20.10, seen).
_GLUED = re.compile(r"(?P<output>.*)#(?P<id>\d+) (?P<end>DONE [0-9.]+s|CANCELED|ERROR: .*)")
# What the client prints of its own work; the rest of `[…]` are steps of the Dockerfile.
_INTERNAL = re.compile(
    r"\[(internal|auth)\]|building with |sha256:|importing|resolv|extracting"
    r"|exporting (layers|manifest|config)|writing image|naming to"
)


class PlainProgress:
    """Turns lines into events; remembers the name of each numbered step."""

    def __init__(self) -> None:
        self._steps: dict[str, str] = {}

    def events(self, line: str) -> list[BuildEvent]:
        """Return what a line tells; none for lines that tell nothing."""
        found = _LINE.fullmatch(line)
        if found is None:
            return []
        number, rest = found["id"], found["rest"]
        if number not in self._steps:
            self._steps[number] = "" if _INTERNAL.match(rest) else rest
            return [BuildEvent(kind="step", step=rest)] if self._steps[number] else []
        step = self._steps[number]
        if not step or rest == step:  # the name comes again when others have spoken in between
            return []
        glued = _GLUED.fullmatch(rest)
        if glued and glued["id"] == number:
            return [*_of_step(step, glued["output"]), *_of_step(step, glued["end"])]
        return _of_step(step, rest)


def _of_step(step: str, rest: str) -> list[BuildEvent]:
    if rest == "CACHED":
        return [BuildEvent(kind="cached", step=step)]
    if done := _DONE.fullmatch(rest):
        return [BuildEvent(kind="done", step=step, seconds=float(done["seconds"]))]
    if rest.startswith(("ERROR", "CANCELED")):
        return [BuildEvent(kind="failed", step=step, text=rest)]
    if output := _OUTPUT.fullmatch(rest):
        return [BuildEvent(kind="line", step=step, text=output["text"], seconds=float(output["at"]))]
    return []
