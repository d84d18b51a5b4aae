"""What the services print, handed on by whole lines, each with its service before it (`logs --service`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_LONGEST = 1 << 16  # who prints so much without a newline is handed on as it is


class Lines:
    """Whole lines, so that those of two services do not mix."""

    def __init__(self, write: Callable[[bytes], None] | None = None) -> None:
        self._write = write or write_all
        self._halves: dict[str, bytes] = {}

    def heard(self, event: Any) -> None:
        """Hand on the lines that are complete; keep the rest until its end comes."""
        name = event.process.config.name
        data = event.data.encode() if isinstance(event.data, str) else event.data
        whole, newline, half = (self._halves.pop(name, b"") + data).rpartition(b"\n")
        if newline:
            self._hand_on(name, whole)
        if len(half) > _LONGEST:
            self._hand_on(name, half)
        elif half:
            self._halves[name] = half

    def ended(self, event: Any) -> None:
        """Hand on what a service that has ended did not end with a newline."""
        half = self._halves.pop(event.process.config.name, b"")
        if half:
            self._hand_on(event.process.config.name, half)

    def _hand_on(self, name: str, text: bytes) -> None:
        mark = f"{name} | ".encode()
        with suppress(OSError):  # a log that cannot be written must not end process 1
            self._write(b"".join(mark + line + b"\n" for line in text.split(b"\n")))


def write_all(text: bytes, descriptor: int = 1) -> None:
    """Write all of it to the container's log."""
    left = memoryview(text)
    while left:
        left = left[os.write(descriptor, left) :]
