"""Start other Pythons with the smoke test's programs, tell how they ended, and leave none behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
from typing import IO, Any, Dict, Iterable, Optional

from . import boot

LAST = 4096  # bytes of what a process printed last
_SIGNALS = {number.value: number.name for number in signal.Signals}
_PR_SET_PDEATHSIG = 1  # prctl(2)


def start(
    run: str,
    plan: Dict[str, Any],
    printed: IO[bytes],
    *,
    env: Optional[Dict[str, str]] = None,
    keep: Iterable[int] = (),
) -> subprocess.Popen[bytes]:
    """Start one of the programs in a group of its own; what it prints goes to a file."""
    with tempfile.TemporaryFile() as given:  # a file, since a Python that hangs at once reads no pipe
        given.write(boot.bundle(run, plan))
        given.seek(0)
        return subprocess.Popen(
            boot.command(),
            stdin=given,
            stdout=printed,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            pass_fds=tuple(keep),
            start_new_session=True,
        )


def die_with_parent() -> None:
    """Have the kernel end this process with whoever started it; where it cannot, time limits must do."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def how_ended(child: subprocess.Popen[bytes]) -> str:
    """Say how a process ended that has ended, or is about to."""
    try:
        code = child.wait(10)
    except subprocess.TimeoutExpired:
        return "closed its answers and did not end"
    if code >= 0:
        return f"its process ended by itself with exit code {code}"
    return f"its process was ended by {_SIGNALS.get(-code, f'signal {-code}')}"


def end(child: subprocess.Popen[bytes]) -> None:
    """End a process with all that it started: SIGKILL, since a driver's call hears nothing else."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def last_words(printed: IO[bytes]) -> str:
    """Return the end of what a process printed."""
    size = printed.seek(0, os.SEEK_END)
    printed.seek(max(0, size - LAST))
    return printed.read().decode("utf-8", "replace").strip()
