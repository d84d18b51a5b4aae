"""The caller's own terminal: given to a command in a container, and given back as it was."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

    from envkit.engines.values import Ends

_STDIN, _STDOUT, _STDERR = 0, 1, 2


@contextmanager
def ends() -> Iterator[Ends]:
    """Give the caller's input and outputs; the terminal is raw meanwhile when both are one."""
    from envkit.engines.values import Ends

    sys.stdout.flush()
    if not (os.isatty(_STDIN) and os.isatty(_STDOUT)):
        yield Ends(stdin=_STDIN if _is_open(_STDIN) else None, write=_write)
        return
    with _raw():
        yield Ends(stdin=_STDIN, write=_write, size=_size)


def kind() -> str | None:
    """Return what kind of terminal it is."""
    return os.environ.get("TERM")


@contextmanager
def _raw() -> Iterator[None]:
    """Hand every key on as it is; whatever ends us, the terminal is as it was before."""
    import termios
    import tty

    before = termios.tcgetattr(_STDIN)
    handlers = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    tty.setraw(_STDIN)
    try:
        yield
    finally:
        termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _size() -> tuple[int, int]:
    return tuple(os.get_terminal_size(_STDOUT))  # type: ignore[return-value]  # (columns, lines)


def _write(which: int, text: bytes) -> None:
    """Write all of it to stdout or stderr."""
    left = memoryview(text)
    while left:
        left = left[os.write(_STDERR if which == _STDERR else _STDOUT, left) :]


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
