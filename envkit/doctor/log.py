"""Read the end of a log, to look its failure up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from envkit.compat.failures import Explanation, explain
from envkit.errors import EnvkitError, UsageError

_END_BYTES = 1_000_000  # a failure is at the end; a longer search would take seconds


def explain_file(path: str, stdin: BinaryIO) -> tuple[Explanation, ...]:
    """Return what the end of a file ("-": of stdin) shows; EnvkitError when it shows nothing known."""
    found = explain(_end(path, stdin).decode("utf-8", "replace"))
    if not found:
        where = "what was piped in" if path == "-" else path
        raise EnvkitError(
            f"the end of {where} shows no failure text that is known",
            fix="`envkit doctor` looks at this machine; the first error in a log says more than its last",
        )
    return found


def _end(path: str, stdin: BinaryIO) -> bytes:
    if path == "-":
        last = b""
        while part := stdin.read(_END_BYTES):
            last = (last + part)[-_END_BYTES:]
        return last
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
            return file.read()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", fix="name a log file, or `-` for what is piped in"
        ) from error
