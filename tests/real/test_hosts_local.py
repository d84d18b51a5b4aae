"""Programs of this machine: how they end, and that nothing of them stays."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.errors import HostError
from envkit.hosts.base import Command, Completed, Silent
from envkit.hosts.local import LocalHost

pytestmark = pytest.mark.real

HOST = LocalHost()


def python(program: str, *, timeout_s: float = 20.0, stdin: bytes = b"") -> Command:
    return Command(words=(sys.executable, "-c", program), timeout_s=timeout_s, stdin=stdin)


# A program that starts a child which ignores SIGTERM, says the child's number, and then does `rest`.
def with_child(rest: str) -> str:
    child = "import signal, time; signal.signal(15, signal.SIG_IGN); print(0, flush=True); time.sleep(60)"
    return (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n" + rest
    )


def has_ended(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_code_is_a_result() -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert HOST.run(python(program)) == Completed(code=3, stdout="out\n", stderr="err\n")


def test_a_missing_program_is_told() -> None:
    with pytest.raises(HostError, match="there is no program 'envkit-has-no-such-program' here"):
        HOST.run(Command(words=("envkit-has-no-such-program",)))


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="there is no folder"):
        HOST.run(Command(words=("true",), directory=tmp_path / "gone"))


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    rest = f"open({str(told)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    with pytest.raises(HostError, match="did not end within 1 s"):
        HOST.run(python(with_child(rest), timeout_s=1))
    assert has_ended(int(told.read_text("ascii")))


def test_a_child_that_outlives_its_program_is_ended_too() -> None:
    lines: list[str] = []
    assert HOST.stream(python(with_child("sys.stdout.close()")), lines.append) == 0
    assert has_ended(int(lines[0]))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_exception_while_lines_come_ends_the_whole_group(error: type[BaseException]) -> None:
    seen: list[int] = []

    def each_line(line: str) -> None:
        seen.append(int(line))
        raise error

    with pytest.raises(error):
        HOST.stream(python(with_child("time.sleep(60)")), each_line)
    assert has_ended(seen[0])


def test_silence_ends_a_stream_and_its_group() -> None:
    lines: list[str] = []
    with pytest.raises(Silent, match="was silent for 1 s and was ended"):
        HOST.stream(python(with_child("time.sleep(60)"), timeout_s=1), lines.append)
    assert has_ended(int(lines[0]))


def test_a_stream_that_speaks_now_and_then_may_last() -> None:
    program = "import time\nfor n in range(4): print(n, flush=True); time.sleep(0.4)"
    lines: list[str] = []
    assert HOST.stream(python(program, timeout_s=1), lines.append) == 0
    assert lines == ["0", "1", "2", "3"]


@pytest.mark.parametrize("do", [HOST.run, lambda command: HOST.stream(command, lambda line: None)])
def test_a_large_input_meets_a_large_output(do: Callable[[Command], object]) -> None:
    program = "import sys; sys.stdout.write('x\\n' * 500_000); sys.stdout.flush(); sys.stdin.read()"
    assert do(python(program, stdin=b"y" * 1_000_000)) is not None


@pytest.mark.parametrize("do", [HOST.run, lambda command: HOST.stream(command, lambda line: None)])
def test_a_program_need_not_read_its_input(do: Callable[[Command], object]) -> None:
    assert do(python("pass", stdin=b"y" * 1_000_000)) in (0, Completed(code=0, stdout="", stderr=""))


def test_bytes_that_are_no_text_are_replaced() -> None:
    lines: list[str] = []
    HOST.stream(python(r"import sys; sys.stdout.buffer.write(b'a\xffb\r\n')"), lines.append)
    assert lines == ["a\ufffdb"]
