"""A build's log: in a file whole, and its end in memory for the error."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from envkit import paths
from envkit.engines.base import BuildEvent, BuildFailed
from envkit.engines.known_failures import fix_for

LAST_LINES = 20
_KEPT_LOGS = 50  # older ones are removed: logs are no archive


class BuildLog:
    """Writes every line down and passes events on."""

    def __init__(self, report: Callable[[BuildEvent], None]) -> None:
        folder = paths.state() / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("build-*.log"))[:-_KEPT_LOGS]:
            old.unlink(missing_ok=True)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        names = (folder / f"build-{stamp}{'' if n == 0 else f'-{n}'}.log" for n in itertools.count())
        self.path: Path = next(name for name in names if not name.exists())
        self._file = self.path.open("x", encoding="utf-8")
        self._report = report
        self._last: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LAST_LINES))
        self.failed_step = ""
        self.current_step = ""

    def __enter__(self) -> BuildLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, line: str) -> None:
        """Write a raw line down."""
        self._file.write(line + "\n")

    def event(self, event: BuildEvent) -> None:
        """Take note of an event and pass it on."""
        self.current_step = event.step
        if event.kind == "line":
            self._last[event.step].append(event.text)
        if event.kind == "failed" and not event.text.startswith("CANCELED"):
            self.failed_step = event.step
        self._report(event)

    def failure(self, last_words: str) -> BuildFailed:
        """Return the error of a build that failed: the step, its last lines, and the fix of a known cause."""
        step = self.failed_step
        lines = tuple(self._last[step]) or tuple(last_words.splitlines()[-LAST_LINES:])
        shown = "\n".join(f"    {line}" for line in lines)
        what = f"the build failed{f' at {short(step)}' if step else ''}\n{shown}\n  log: {self.path}"
        return BuildFailed(what, fix=fix_for((*lines, last_words)))


def short(step: str, width: int = 100) -> str:
    """Return a step in one short line: its mounts and its network prelude are the same everywhere."""
    words = " ".join(word for word in step.split() if not word.startswith("--mount="))
    prelude = "if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; "
    words = words.replace(prelude, "").replace("umask 002; ", "")
    return words if len(words) <= width else words[: width - 1] + "…"
