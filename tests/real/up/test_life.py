"""One life of an environment on the real engine: its commands, files, states and ends, in a small image."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from envkit.engines.values import Ends, RunRequest
from envkit.environment.copying import Place, copy
from envkit.environment.ending import stop
from envkit.environment.entering import run_inside
from envkit.environment.lookup import require
from envkit.environment.starting import restart, start, wait_for
from envkit.environment.states import describe, environments
from envkit.environment.up import Site, up
from envkit.environment.usage import watch
from envkit.errors import EnvkitError, UsageError
from tests.real.up.conftest import ME, Inside, Request

pytestmark = pytest.mark.real

ENVKIT = str(Path(sys.executable).with_name("envkit"))


@pytest.fixture
def running(site: Site, request_for: Request, name: str) -> str:
    """The name of an environment that is up."""
    up(site, request_for(), lambda line: None)
    return name


def state(site: Site, name: str) -> tuple[str, str]:
    found = describe(site.engine, require(site.engine, name))
    return found.state, found.reason


def test_what_was_stopped_starts_at_the_same_port_with_a_new_token(site: Site, running: str) -> None:
    first = start(site, running, 20, lambda line: None)
    stop(site.engine, running)
    assert wait_for(site, running, "stopped", 5).state == "stopped"
    second = start(site, running, 20, lambda line: None)
    assert (second.port, second.home) == (first.port, first.home)
    assert second.token != first.token
    third = restart(site, running, 20, lambda line: None)
    assert third.token != second.token
    assert wait_for(site, running, "running", 5).state == "running"


def test_a_command_runs_as_the_user_at_home_with_its_words_untouched(running: str) -> None:
    script = 'id -u; pwd; printf "%s|" "$@"; cat; exit 7'
    words = ["a  b", "$HOME", "-c", "--", "*", "'\""]
    done = subprocess.run(
        [ENVKIT, "exec", running, "--", "sh", "-c", script, "sh", *words],
        input="given", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 7
    assert done.stdout == f"{ME.uid}\n/work/home\n" + "".join(f"{word}|" for word in words) + "given"


def talk(command: list[str], typed: bytes, until: bytes) -> tuple[int, bytes]:
    """Run a command in a terminal of 100 x 30, type, and return its code and all that it showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    seen, sent = b"", False
    with suppress(OSError):  # that is how a terminal ends
        while part := os.read(terminal, 1 << 16):
            seen += part
            if until in seen and not sent:
                sent = bool(os.write(terminal, typed))
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen


def test_a_shell_has_a_terminal_of_the_callers_size(running: str) -> None:
    typed = b"sleep 1; stty size; echo to''ld; exit 5\r"
    code, seen = talk([ENVKIT, "shell", running], typed, until=b"$ " if ME.uid else b"# ")
    assert code == 5 and b"30 100" in seen and b"told" in seen


def test_files_go_in_as_the_users_and_come_out_as_mine(
    site: Site, running: str, inside: Inside, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "big").write_bytes(os.urandom(20_000_000))
    (tree / "link").symlink_to("sub/big")
    copy(site.engine, Place(path=str(tree)), Place(path="new", environment=running), print)
    assert inside("stat", "-c", "%u", "/work/home/new/sub/big").split() == [str(ME.uid)]
    copy(site.engine, Place(path="new", environment=running), Place(path=str(tmp_path / "back")), print)
    done = subprocess.run(["diff", "-r", "--no-dereference", tree, tmp_path / "back"], check=False)
    assert done.returncode == 0
    assert (tmp_path / "back").stat().st_uid == os.getuid()


@pytest.mark.parametrize("path", ["/run/secrets/x", "/dev/shm/x", "/work/home/sly/x", "/proc/x"])
def test_nothing_is_copied_into_memory_not_even_by_a_link(
    site: Site, running: str, inside: Inside, tmp_path: Path, path: str
) -> None:
    inside("ln", "-s", "/run/secrets", "/work/home/sly")
    (tmp_path / "x").write_text("x", encoding="ascii")
    with pytest.raises(UsageError, match="lies in memory"):
        copy(site.engine, Place(path=str(tmp_path / "x")), Place(path=path, environment=running), print)


def test_what_the_user_may_not_write_is_refused_in_tars_words(
    site: Site, request_for: Request, name: str, tmp_path: Path
) -> None:
    up(site, request_for(replace(ME, uid=1234567, gid=1234567)), lambda line: None)
    (tmp_path / "x").write_text("x", encoding="ascii")
    with pytest.raises(EnvkitError, match="Permission denied"):
        copy(site.engine, Place(path=str(tmp_path / "x")), Place(path="/etc/x", environment=name), print)


def test_what_runs_is_measured(site: Site, running: str) -> None:
    [used] = next(watch(site.engine, running, 0.5))
    assert used.cpu_percent is not None and used.memory_bytes > 0 and used.processes >= 1
    assert used.note == "no card"


def test_a_service_that_died_for_good_is_unhealthy_and_not_failed(
    site: Site, running: str, inside: Inside
) -> None:
    inside("touch", "/work/home/break-vscode")
    assert state(site, running) == ("unhealthy", "code-server is FATAL")
    with pytest.raises(EnvkitError, match="is unhealthy: code-server is FATAL"):
        wait_for(site, running, "running", 5)


def test_an_end_by_itself_is_told_with_its_code_and_last_words(site: Site, running: str) -> None:
    stop(site.engine, running)
    Path(site.home, "break-at-start").touch()
    with pytest.raises(EnvkitError, match="exit code 3"):
        start(site, running, 10, lambda line: None)
    stop(site.engine, running)
    found, reason = state(site, running)
    assert found == "failed"
    assert reason.endswith("exit code 3; it said: the last words of a broken image, token=***")


@pytest.fixture
def small(site: Site, name: str) -> Iterator[str]:
    """An environment's container that may have 32 MiB."""
    labels = {"io.envkit.kind": "environment", "io.envkit.environment": name}
    request = RunRequest(
        image="debian:12", name=f"envkit-{name}", labels=labels, memory_mib=32, network="none",
        command=("perl", "-e", "my @all; push @all, 'x' x 10_000_000 for 1..99; sleep 9"),
    )  # fmt: skip
    site.engine.containers.create(request)
    yield name


def test_want_of_memory_is_told_as_such(site: Site, small: str) -> None:
    site.engine.containers.start(f"envkit-{small}")
    found = wait_for(site, small, "stopped", 30)
    assert (found.state, found.reason) == ("failed", "out of memory: the kernel ended it")


def test_a_command_of_another_kind_of_end_is_no_end(site: Site, running: str) -> None:
    code = run_inside(site.engine, running, ("sh", "-c", "kill -9 $$"), Ends(stdin=None, write=print), None)
    assert code == 137
    assert [one.state for one in environments(site.engine) if one.name == running] == ["running"]
