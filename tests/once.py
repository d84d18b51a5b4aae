"""What two processes of the real tests share (Makefile): one makes it, the other waits and finds it."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def made_once(what: str) -> Iterator[None]:
    """Let one process at a time look for a thing of this name, and make it where it is missing."""
    with (Path(tempfile.gettempdir()) / f"envkit-test-{what}-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
