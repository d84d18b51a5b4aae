"""What every machine does alike: programs, how they end, that nothing of them stays; files and space."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envkit.errors import HostError
from envkit.hosts.base import PART_BYTES, Command, Completed, Host, Silent
from envkit.hosts.local import LocalHost
from tests.sshd import Sshd, host_at, make_home

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd.make(tmp_path_factory.mktemp("sshd")).start()
    yield server
    server.stop()


@pytest.fixture(params=["local", "ssh"])
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Host]:
    """This machine, as itself and over SSH."""
    if request.param == "local":
        yield LocalHost()
        return
    server: Sshd = request.getfixturevalue("sshd")
    make_home(tmp_path_factory.mktemp("home"), monkeypatch, server)
    found = host_at(server)
    yield found
    found.close()


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


def test_a_code_is_a_result(host: Host) -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert host.run(python(program)) == Completed(code=3, stdout="out\n", stderr="err\n")


def test_a_missing_program_is_told(host: Host) -> None:
    with pytest.raises(HostError, match="there is no program 'envkit-has-no-such-program' here"):
        host.run(Command(words=("envkit-has-no-such-program",)))


def test_a_missing_folder_is_not_taken_for_a_missing_program(host: Host, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="there is no folder"):
        host.run(Command(words=("true",), directory=tmp_path / "gone"))


def test_a_program_that_takes_too_long_is_ended_with_its_children(host: Host, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    rest = f"open({str(told)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    with pytest.raises(HostError, match="did not end within 1 s"):
        host.run(python(with_child(rest), timeout_s=1))
    assert has_ended(int(told.read_text("ascii")))


def test_a_child_that_outlives_its_program_is_ended_too(host: Host) -> None:
    lines: list[str] = []
    assert host.stream(python(with_child("sys.stdout.close()")), lines.append) == 0
    assert has_ended(int(lines[0]))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_exception_while_lines_come_ends_the_whole_group(host: Host, error: type[BaseException]) -> None:
    seen: list[int] = []

    def each_line(line: str) -> None:
        seen.append(int(line))
        raise error

    with pytest.raises(error):
        host.stream(python(with_child("time.sleep(60)")), each_line)
    assert has_ended(seen[0])


def test_silence_ends_a_stream_and_its_group(host: Host) -> None:
    lines: list[str] = []
    with pytest.raises(Silent, match="was silent for 1 s and was ended"):
        host.stream(python(with_child("time.sleep(60)"), timeout_s=1), lines.append)
    assert has_ended(int(lines[0]))


def test_a_stream_that_speaks_now_and_then_may_last(host: Host) -> None:
    program = "import time\nfor n in range(4): print(n, flush=True); time.sleep(0.4)"
    lines: list[str] = []
    assert host.stream(python(program, timeout_s=1), lines.append) == 0
    assert lines == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    "do",
    [lambda host, command: host.run(command), lambda host, command: host.stream(command, lambda line: None)],
)
def test_a_large_input_meets_a_large_output(host: Host, do: Callable[[Host, Command], object]) -> None:
    program = "import sys; sys.stdout.write('x\\n' * 500_000); sys.stdout.flush(); sys.stdin.read()"
    assert do(host, python(program, stdin=b"y" * 1_000_000)) is not None


@pytest.mark.parametrize(
    "do",
    [lambda host, command: host.run(command), lambda host, command: host.stream(command, lambda line: None)],
)
def test_a_program_need_not_read_its_input(host: Host, do: Callable[[Host, Command], object]) -> None:
    assert do(host, python("pass", stdin=b"y" * 1_000_000)) in (0, Completed(code=0, stdout="", stderr=""))


def test_bytes_that_are_no_text_are_replaced(host: Host) -> None:
    lines: list[str] = []
    host.stream(python(r"import sys; sys.stdout.buffer.write(b'a\xffb\r\n')"), lines.append)
    assert lines == ["a\ufffdb"]


def test_input_and_environment_arrive_and_are_on_no_command_line(host: Host) -> None:
    program = (
        "import os, pathlib, sys\n"
        "words = b''.join(path.read_bytes() for path in pathlib.Path('/proc').glob('[0-9]*/cmdline')"
        " if path.parent.exists())\n"
        "print(os.environ['SECRET'], sys.stdin.read(), b'sword' + b'fish' in words, sep='|')"
    )
    secret = "it's a\n$HOME \"sword" + 'fish"'
    done = host.run(
        Command(words=(sys.executable, "-c", program), env={"SECRET": secret}, stdin=b"said", timeout_s=20)
    )
    assert done == Completed(code=0, stdout=f"{secret}|said|False\n", stderr="")


def test_words_pass_through_as_they_are(host: Host) -> None:
    words = ("two words", "a'b", "$HOME", "`id`", "x\ny", "\\n", "*", "", "é", "-n", "a;b", "!!")
    program = "import sys; print(sys.argv[1:])"
    done = host.run(Command(words=(sys.executable, "-c", program, *words)))
    assert done.stdout == f"{list(words)}\n"


def test_a_program_runs_where_it_should(host: Host, tmp_path: Path) -> None:
    assert host.run(Command(words=("pwd",), directory=tmp_path)).stdout == f"{tmp_path}\n"


def test_a_program_that_is_killed_does_not_count_as_done(host: Host) -> None:
    assert host.run(python("import os; os.kill(os.getpid(), 9)")).code != 0


def test_outputs_come_in_the_order_in_which_they_were_written(host: Host) -> None:
    lines: list[str] = []
    program = "for n in 1 2 3; do echo out $n; echo err $n >&2; done; exit 4"
    assert host.stream(Command(words=("sh", "-c", program)), lines.append) == 4
    assert lines == ["out 1", "err 1", "out 2", "err 2", "out 3", "err 3"]


def test_a_file_is_read_from_an_offset_on(host: Host, tmp_path: Path) -> None:
    file = tmp_path / "a log"
    file.write_bytes(b"0123\xff\x00\n" + b"x" * PART_BYTES)
    assert host.read_from(file, 4) == b"\xff\x00\n" + b"x" * (PART_BYTES - 3)
    assert host.read_from(file, PART_BYTES + 6) == b"x"
    assert host.read_from(file, PART_BYTES + 7) == host.read_from(file, 10 * PART_BYTES) == b""
    assert host.read_from(tmp_path / "absent", 0) is host.read_from(file / "absent", 3) is None


def test_programs_are_found_and_files_are_read_as_bytes(host: Host, tmp_path: Path) -> None:
    assert Path("/usr/bin/env") in {path.resolve() for path in host.find_programs("env")}
    assert host.find_programs("envkit-has-no-such-program") == ()
    (tmp_path / "a file").write_bytes(bytes(range(256)))
    assert host.read(tmp_path / "a file") == bytes(range(256))
    assert host.read(tmp_path / "gone") is None
    assert host.read(tmp_path / "a file" / "below") is None
    with pytest.raises(HostError, match="cannot be read: Is a directory"):
        host.read(tmp_path)


def test_free_space_is_told_for_a_folder_that_is_not_there_yet(host: Host, tmp_path: Path) -> None:
    here = LocalHost().free_bytes(tmp_path)
    assert host.free_bytes(tmp_path / "a b" / "c") == pytest.approx(here, rel=0.05)
