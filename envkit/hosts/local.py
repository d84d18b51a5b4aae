"""This machine: the only home of subprocess."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from envkit.errors import HostError
from envkit.hosts.base import PART_BYTES, Command, Completed, Silent

# Where systems keep programs, whether or not PATH says so (FHS 3.0, and Homebrew's folder).
_USUAL_FOLDERS = (
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    "/opt/homebrew/bin",
)
_GRACE_S = 5.0  # between asking a program to end and ending it
_LAST_WORDS_S = 1.0  # for lines that are still on their way when a program has ended
_MOVES_BYTES = 1024  # a Go program that only waits writes single bytes to itself: tried with skopeo 1.9


class LocalHost:
    """The machine that envkit runs on."""

    name = "this machine"

    def run(self, command: Command) -> Completed:
        """Run to the end; a non-zero code is a result, a missing program or a time-out a HostError."""
        with _started(command, stderr=subprocess.PIPE) as process:
            try:
                stdout, stderr = process.communicate(command.stdin, timeout=command.timeout_s)
            except subprocess.TimeoutExpired as error:
                raise HostError(
                    f"{command.words[0]} did not end within {command.timeout_s:.0f} s",
                    fix=f"run it by hand to see why: {' '.join(command.words[:4])}",
                ) from error
            finally:
                _end(process)
                _close(process)
        return Completed(
            code=process.returncode,
            stdout=stdout.decode("utf-8", "replace"),
            stderr=stderr.decode("utf-8", "replace"),
        )

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        """Run, handing over each line as it comes; silent for longer than `timeout_s` is Silent."""
        with _started(command, stderr=subprocess.STDOUT) as process:
            lines: queue.Queue[str | None] = queue.Queue()
            for work, arguments in ((_write, (process, command.stdin)), (_read_lines, (process, lines))):
                threading.Thread(target=work, args=arguments, daemon=True).start()
            while (line := _next(lines, process, command)) is not None:
                each_line(line)
            return process.wait()

    def find_programs(self, name: str) -> tuple[Path, ...]:
        """Return every executable of that name: PATH in order, then the usual folders."""
        folders = [*os.environ.get("PATH", "").split(os.pathsep), *_USUAL_FOLDERS]
        found = (Path(folder) / name for folder in folders if folder)
        usable = [path for path in found if path.is_file() and os.access(path, os.X_OK)]
        return tuple({path.resolve(): path for path in reversed(usable)}.values())[::-1]

    def read(self, path: Path) -> bytes | None:
        """Return a file's bytes, or None when there is no such file."""
        return self._read(path, 0, -1)

    def read_from(self, path: Path, offset: int) -> bytes | None:
        """Return what a file holds from an offset on, at most PART_BYTES; None when there is no such file."""
        return self._read(path, offset, PART_BYTES)

    def _read(self, path: Path, offset: int, most: int) -> bytes | None:
        try:
            with path.open("rb") as file:
                if offset:
                    file.seek(offset)
                return file.read(most)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise HostError(
                f"{path} cannot be read: {error.strerror}", fix="look at its permissions"
            ) from error

    def free_bytes(self, path: Path) -> int:
        """Return the free space of the filesystem that holds `path` or its nearest existing parent."""
        while not path.exists():
            path = path.parent
        return shutil.disk_usage(path).free


@contextmanager
def _started(command: Command, *, stderr: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a group of its own; whatever is left of the group is ended with the block."""
    try:
        process = subprocess.Popen(
            command.words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=command.directory,
            env={**os.environ, **command.env},
            start_new_session=True,
        )
    except OSError as error:
        raise _not_started(command, error) from error
    try:
        yield process
    finally:
        _end(process)


def _not_started(command: Command, error: OSError) -> HostError:
    program = command.words[0]
    if command.directory is not None and not command.directory.is_dir():
        return HostError(f"there is no folder {command.directory}", fix=f"make it: {program} is to run there")
    if isinstance(error, FileNotFoundError):
        return HostError(f"there is no program {program!r} here", fix="install it, or look at PATH")
    return HostError(f"{program} cannot be started: {error.strerror}", fix="look at its permissions")


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(BrokenPipeError):  # it ended before it read all of its input
                pipe.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: children too, that may have outlived the program itself."""
    try:
        if process.poll() is None:
            _signal(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
    finally:  # where a second Ctrl-C comes at once
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # all of it has ended; or it became root's
        os.killpg(process.pid, number)


def _next(lines: queue.Queue[str | None], process: subprocess.Popen[bytes], command: Command) -> str | None:
    """Return the next line; None at the end: the output's, or the program's if a child keeps that open."""
    deadline, written = time.monotonic() + command.timeout_s, _written(process) if command.sends else 0
    while True:
        ended = process.poll() is not None
        if command.sends and (now := _written(process)) >= written + _MOVES_BYTES:
            deadline, written = time.monotonic() + command.timeout_s, now
        try:
            return lines.get(timeout=min(_LAST_WORDS_S, command.timeout_s))
        except queue.Empty as error:
            if ended:
                return None
            if time.monotonic() < deadline:
                continue
            raise Silent(
                f"{command.words[0]} was silent for {command.timeout_s:.0f} s and was ended",
                fix="look at its last lines; a slow network or a full disk are the usual causes",
            ) from error


def _written(process: subprocess.Popen[bytes]) -> int:
    """Return how many bytes it has written, to files and sockets; 0 where the system does not say."""
    try:
        found = re.search(r"^wchar: (\d+)$", Path(f"/proc/{process.pid}/io").read_text("ascii"), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _write(process: subprocess.Popen[bytes], content: bytes) -> None:
    """Give a program its input, from a thread: it may print before it reads."""
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin:  # it may end before it has read all of it
        process.stdin.write(content)


def _read_lines(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
    """Hand over lines, from a thread that alone closes the pipe: another would wait for its read."""
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(line.decode("utf-8", "replace").rstrip("\r\n"))
    lines.put(None)
