"""Starting an engine, on machines in memory; tests/real/test_engine_start.py does it for real."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from envkit.doctor.engine_start import start
from envkit.engines.base import Engine
from envkit.engines.failures import NoEngine
from envkit.engines.fake import FakeEngine
from envkit.errors import EngineError, EnvkitError, HostError
from envkit.hosts.base import Host
from tests.scripted_host import DEBIAN, ROOT, ScriptedHost

NONE = NoEngine("there is no container engine here", fix="start one")
ENGINE = FakeEngine()
ALL = {name: (f"/usr/sbin/{name}",) for name in ("dockerd", "iptables", "mmdebstrap")}
LOG = "setsid --fork sh -c"


def bare(**more: object) -> ScriptedHost:
    """Return a Debian machine without systemd, where every command works."""
    files = {"/etc/os-release": DEBIAN, "/proc/1/comm": b"init\n"}
    answers = {
        **ROOT,
        "dpkg": (0, ""),
        "apt-get": (0, ""),
        "rm": (0, ""),
        "setsid": (0, ""),
        "systemctl": (0, ""),
    }
    host = ScriptedHost(files=files, answers=answers)
    for name, value in more.items():
        setattr(host, name, value)
    return host


def after(tries: int, error: EnvkitError = NONE) -> Callable[[Host], Engine]:
    """Return a way to connect that fails so many times."""
    left = [tries]

    def connect(host: Host) -> Engine:
        left[0] -= 1
        if left[0] < 0:
            return ENGINE
        raise error

    return connect


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time run by itself: each look at the clock is a second later."""
    seconds = iter(range(10_000))
    monkeypatch.setattr(time, "sleep", lambda s: None)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))


def test_an_engine_that_answers_is_left_as_it_is() -> None:
    host = bare()
    lines: list[str] = []
    assert start(host, after(0), lines.append) is ENGINE
    assert (host.lines, lines) == ([], ["an engine answers already"])


def test_a_bare_machine_gets_docker_and_its_daemon_a_session_of_its_own() -> None:
    host = bare()
    assert start(host, after(3), lambda line: None) is ENGINE
    assert host.lines[4].endswith("install --yes --no-install-recommends docker.io iptables mmdebstrap")
    launched = host.asked[-1].words
    assert launched[:4] == ("setsid", "--fork", "sh", "-c")
    assert launched[-1] == "dockerd"


def test_only_what_is_missing_is_installed() -> None:
    host = bare(programs={name: ALL[name] for name in ("dockerd", "iptables")})
    start(host, after(1), lambda line: None)
    assert host.lines[4].endswith("--no-install-recommends mmdebstrap")


def test_nothing_is_installed_where_all_is_there() -> None:
    host = bare(programs=ALL)
    start(host, after(1), lambda line: None)
    assert not any(line.startswith("apt-get") for line in host.lines)


def test_systemd_starts_it_where_it_is_process_1() -> None:
    host = bare(programs=ALL)
    host.files["/proc/1/comm"] = b"systemd\n"
    assert start(host, after(2), lambda line: None) is ENGINE
    assert host.lines[-1] == "systemctl enable --now docker"


def test_what_systemd_says_of_a_failure_is_quoted() -> None:
    host = bare(programs=ALL)
    host.files["/proc/1/comm"] = b"systemd\n"
    journal = "level=info msg=hello\nfailed to start daemon: no space left on device\n"
    host.answers = {**host.answers, "systemctl": (1, "Job failed"), "journalctl": (0, journal)}
    with pytest.raises(EngineError) as caught:
        start(host, after(1), lambda line: None)
    assert caught.value.what == (
        "dockerd was started and does not answer; its last words:\n"
        "    failed to start daemon: no space left on device"
    )
    assert caught.value.fix == "free space on the disk of /var/lib/docker"


def test_the_number_of_another_program_is_no_daemon() -> None:
    host = bare(programs=ALL)
    host.files |= {"/var/run/docker.pid": b"77", "/proc/77/comm": b"bash\n"}
    start(host, after(1), lambda line: None)
    assert "rm -f /var/run/docker.pid" in host.lines


def test_a_daemon_that_is_still_starting_is_waited_for() -> None:
    host = bare(programs=ALL)
    host.files |= {"/var/run/docker.pid": b"77", "/proc/77/comm": b"dockerd\n"}
    assert start(host, after(9), lambda line: None) is ENGINE
    assert not any(line.startswith(("rm", "setsid")) for line in host.lines)


def failing(log: str, **programs: tuple[str, ...]) -> tuple[EngineError, ScriptedHost]:
    """Start a daemon that ends at once and leaves that log."""
    host = bare(programs={**ALL, **programs})
    host.read = lambda path: log.encode() if path.name == "dockerd.log" else host.files.get(str(path))  # type: ignore[method-assign]
    with pytest.raises(EngineError) as caught:
        start(host, after(10_000), lambda line: None)
    return caught.value, host


def test_the_last_words_of_a_daemon_are_quoted_with_their_fix() -> None:
    error, host = failing(
        "level=info msg=noise\nunable to configure the Docker daemon with file /etc/docker/daemon.json: x\n"
    )
    assert error.what.endswith(
        "its last words:\n    unable to configure the Docker daemon with file /etc/docker/daemon.json: x"
    )
    assert error.fix == "mend /etc/docker/daemon.json"
    assert len([line for line in host.lines if line.startswith(LOG)]) == 1


def test_the_older_packet_filter_is_tried_where_the_newer_one_fails() -> None:
    text = "failed to start daemon: iptables failed: iptables -t nat -N DOCKER: (nf_tables): no\n"
    error, host = failing(text, **{"iptables-legacy": ("/usr/sbin/iptables-legacy",)})
    first, second = (command for command in host.asked if command.words[0] == "setsid")
    assert "iptables-legacy" not in first.env["PATH"]
    assert second.env["PATH"].split(":")[0].endswith("/iptables-legacy")
    assert error.fix == "this kernel has no packet filter for it: load the module nf_tables or ip_tables"


def test_a_daemon_that_says_nothing_is_said_to() -> None:
    error, _ = failing("")
    assert error.what.endswith("(it said nothing)")
    assert error.fix.endswith("dockerd.log")


@pytest.mark.parametrize(
    ("release", "user", "fix"),
    [
        (
            DEBIAN,
            "1000\n",
            "`sudo envkit engine start`, then `sudo usermod -aG docker $USER`, and log in again",
        ),
        (b"ID=fedora\n", "0\n", "install Docker Engine or Podman with this system's package manager"),
    ],
)
def test_elsewhere_it_says_what_to_do_and_does_nothing(release: bytes, user: str, fix: str) -> None:
    host = ScriptedHost(files={"/etc/os-release": release}, answers={"id -u": (0, user)})
    with pytest.raises(HostError) as caught:
        start(host, after(1), lambda line: None)
    assert caught.value.what == (
        "there is no container engine here; envkit installs and starts one only as root on Debian or Ubuntu"
    )
    assert caught.value.fix.startswith(fix)
    assert not any(line.startswith(("apt-get", "setsid")) for line in host.lines)


def test_an_engine_that_the_user_named_is_not_replaced() -> None:
    host = bare()
    with pytest.raises(EngineError, match="nobody listens"):
        start(host, after(1, EngineError("nobody listens", fix="look at DOCKER_HOST")), lambda line: None)
    assert host.lines == []
