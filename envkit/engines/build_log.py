"""A build's log: in a file whole, and its end in memory for the error."""

from __future__ import annotations

import itertools
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from envkit import paths
from envkit.engines.failures import BuildFailed
from envkit.engines.known_failures import fix_for
from envkit.engines.values import BuildEvent
from envkit.errors import HostError

LAST_LINES = 20
_SEARCHED_LINES = 200  # a cause may stand before the last lines: a step's two outputs come in no order
_KEPT_LOGS = 50  # older ones are removed: logs are no archive
# What a client prints around an error: rules, and the Dockerfile's lines around it.
_FRAME = re.compile(r"-{6,}|\S*Dockerfile\S*:\d+|\s*\d+ \| .*|")


class BuildLog:
    """Writes every line down, passes events on, and knows which steps are under way."""

    def __init__(self, report: Callable[[BuildEvent], None]) -> None:
        self.path = _new_file(paths.state() / "logs")
        self._file = self.path.open("a", encoding="utf-8")
        self._report = report
        self._last: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_SEARCHED_LINES))
        self._running: dict[str, None] = {}  # in the order they began
        self._failed: BuildEvent | None = None

    def __enter__(self) -> BuildLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, line: str) -> None:
        """Write a raw line down."""
        self._file.write(line + "\n")
        self._file.flush()  # whoever follows the file, or finds it after a crash, sees all of it

    def event(self, event: BuildEvent) -> None:
        """Take note of an event and pass it on."""
        if event.kind == "line":
            self._last[event.step].append(event.text)
        elif event.kind == "step":
            self._running[event.step] = None
        else:
            self._running.pop(event.step, None)
        if event.kind == "failed" and not event.text.startswith("CANCELED"):
            self._failed = event
        self._report(event)

    def failure(self, last_words: str) -> BuildFailed:
        """Return the error of a build that failed: the step, its last lines, and the fix of a known cause."""
        step = self._failed.step if self._failed else ""
        said = self._failed.text.removeprefix("ERROR: ") if self._failed else ""
        words = [line for line in last_words.splitlines() if not _FRAME.fullmatch(line)]
        said_by_step = tuple(self._last[step])
        lines = said_by_step[-LAST_LINES:] or ((said,) if step else tuple(words[-LAST_LINES:]))
        what = f"the build failed{f' at {short(step)}' if step else ''}\n{_shown(lines)}\n  log: {self.path}"
        return BuildFailed(what, fix=fix_for((*lines, said, last_words), said_by_step))

    def silence(self, seconds: float) -> BuildFailed:
        """Return the error of a build that said nothing for too long: its open steps, their last lines."""
        steps = tuple(self._running)
        where = " and ".join(short(step) for step in steps) or "its beginning"
        lines = tuple(line for step in steps for line in tuple(self._last[step])[-LAST_LINES // 2 :])
        what = f"the build was silent for {seconds:.0f} s at {where} and was cancelled"
        return BuildFailed(
            "\n".join(filter(None, (what, _shown(lines), f"  log: {self.path}"))),
            fix="look at its last lines: a slow network, a question that nobody answers, a full disk; "
            "then build again (what was done is kept)",
        )


def _shown(lines: tuple[str, ...]) -> str:
    return "\n".join(f"    {line}" for line in lines)


def _new_file(folder: Path) -> Path:
    """Make an empty log, named by the time; two builds that begin together get one each."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("build-*.log"))[:-_KEPT_LOGS]:
            old.unlink(missing_ok=True)
        for name in _names(time.strftime("%Y%m%d-%H%M%S")):
            try:
                (folder / name).open("x").close()
            except FileExistsError:
                continue
            return folder / name
    except OSError as error:
        raise HostError(
            f"no log can be written in {folder}: {error.strerror}",
            fix="make it writable, or set XDG_STATE_HOME to a folder that is",
        ) from error
    raise AssertionError("names do not end")


def _names(stamp: str) -> Iterator[str]:
    return (f"build-{stamp}{'' if number == 0 else f'-{number}'}.log" for number in itertools.count())


# What our own steps begin with, which says nothing of what they do.
_PREAMBLE = re.compile(
    r"--mount=\S+ +"
    r"|if \[ -r /run/envkit-net \]; then source /run/envkit-net; fi; *"
    r"|umask 002; *"
    r"|clean=\S+; .*?apt-get update; +DEBIAN_FRONTEND=noninteractive +"
    r"|; +\[ ! -e /etc/apt/envkit-aside \].*"
    r"|export (?:\w+=\S+ ?)+; *"
    r"|(?:/opt/build/bin/uv venv|python3 -m venv) [^;]*; *"
    r"|/opt/(?:build|venv|envkit/jupyter)/bin/(?=uv|pip|python)"
    r"|(?<=dnf install )-y |--setopt=\S+ +"
    r"|--(?:no-install-recommends|compile-bytecode|require-hashes|no-deps|python \S+) +"
)


def short(step: str, width: int = 100) -> str:
    """Return a step in one short line: what it does, without what is the same in every step."""
    words = " ".join(_PREAMBLE.sub("", step).split())
    return words if len(words) <= width else words[: width - 1] + "…"
