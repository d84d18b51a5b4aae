"""Start dockerd and wait until it answers; when it does not, say why."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from envkit import paths
from envkit.engines.base import Engine
from envkit.errors import EngineError
from envkit.hosts.base import Command, Host

# It answered after 8 s on a bare machine of 2 cores (facts/testbed.md); a large store takes longer.
_PATIENCE_S = 90.0
_PAUSE_S = 0.2
_FIRST_WORDS_S = 5.0  # a daemon writes its number a moment after it has begun
_LAST_LINES = 8
_PID_FILE = Path("/var/run/docker.pid")
_CONTAINERD_PID_FILE = Path("/var/run/docker/containerd/containerd.pid")
_SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
# Containers inherit the limit of open files: with "infinity" programs that close every possible one take
# minutes (moby issue 38814). The number is the one of Debian's own init script.
_LAUNCH = 'ulimit -n 1048576 2>/dev/null; log=$1; shift; exec "$@" >"$log" 2>&1 </dev/null'

# What its log says when this kernel has only the older packet filter.
_WANTS_LEGACY = re.compile(r"iptables failed|initialize iptables|nf_tables")
_NOISE = re.compile(r"level=(info|debug)")
# What its log says → what to do.
_CAUSES = (
    (
        r"Devices cgroup isn't mounted|cgroup mountpoint does not exist",
        "mount the cgroups: `apt-get install cgroupfs-mount`, then run it again",
    ),
    (r"unable to configure the Docker daemon with file", "mend /etc/docker/daemon.json"),
    (r"no space left on device", "free space on the disk of /var/lib/docker"),
    (
        r"operation not permitted|permission denied|not have enough privileges",
        "this machine is a container without the rights of an engine: start it privileged, or set "
        "DOCKER_HOST to an engine elsewhere",
    ),
    (r"iptables", "this kernel has no packet filter for it: load the module nf_tables or ip_tables"),
)

Report = Callable[[str], None]
Connect = Callable[[Host], Engine]


def start_by_systemd(host: Host, connect: Connect, report: Report) -> Engine:
    """Start the service, now and at every boot; return the engine. EngineError quotes its journal."""
    report("starting docker with systemd")
    done = host.run(Command(words=("systemctl", "enable", "--now", "docker"), timeout_s=_PATIENCE_S))
    if done.code == 0:
        engine = _wait(host, connect, lambda: True)
        if engine is not None:
            return engine
    words = ("journalctl", "--unit=docker", "--no-pager", "--output=cat", "--lines=100")
    raise _failure(host.run(Command(words=words)).stdout or done.stderr, "`journalctl -u docker`")


def start_by_hand(host: Host, connect: Connect, report: Report) -> Engine:
    """Start dockerd in a session of its own: it outlives this command and its terminal."""
    if _runs(host, _PID_FILE, "dockerd"):
        report("dockerd runs already: waiting for it")
        engine = _wait(host, connect, lambda: _runs(host, _PID_FILE, "dockerd"))
        if engine is not None:
            return engine
    log = paths.state() / "logs" / "dockerd.log"
    text = ""
    for search_path in (_SEARCH_PATH, f"{_legacy_folder()}:{_SEARCH_PATH}"):
        _launch(host, log, search_path, report)
        engine = _wait(host, connect, lambda: _runs(host, _PID_FILE, "dockerd"))
        if engine is not None:
            return engine
        text = (host.read(log) or b"").decode("utf-8", "replace")
        if not _WANTS_LEGACY.search(text) or not host.find_programs("iptables-legacy"):
            break
        report("the packet filter does not answer iptables: trying iptables-legacy")
    raise _failure(text, str(log))


def _launch(host: Host, log: Path, search_path: str, report: Report) -> None:
    for path, program in ((_PID_FILE, "dockerd"), (_CONTAINERD_PID_FILE, "containerd")):
        if not _runs(host, path, program):
            # After a crash another program may have got the number in it, and dockerd would not start.
            host.run(Command(words=("rm", "-f", str(path))))
    report(f"starting dockerd (log: {log})")
    log.parent.mkdir(parents=True, exist_ok=True)
    words = ("setsid", "--fork", "sh", "-c", _LAUNCH, "sh", str(log), "dockerd")
    host.run(Command(words=words, env={"PATH": search_path}))


def _legacy_folder() -> Path:
    """Return a folder where iptables is the older one: for dockerd alone, not for the machine."""
    folder = paths.state() / "iptables-legacy"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("iptables", "ip6tables"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"/usr/sbin/{name}-legacy")
    return folder


def _wait(host: Host, connect: Connect, goes_on: Callable[[], bool]) -> Engine | None:
    """Return the engine as soon as it answers; None when it has ended, or does not answer in time."""
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < _PATIENCE_S:
        try:
            return connect(host)
        except EngineError:
            if waited > _FIRST_WORDS_S and not goes_on():
                return None
            time.sleep(_PAUSE_S)
    return None


def _runs(host: Host, pid_file: Path, program: str) -> bool:
    """Tell whether the number in the file is that of the program."""
    number = (host.read(pid_file) or b"").strip().decode("ascii", "replace")
    return number.isdigit() and (host.read(Path("/proc", number, "comm")) or b"").strip() == program.encode()


def _failure(text: str, where: str) -> EngineError:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not _NOISE.search(line)] or lines or ["(it said nothing)"]
    shown = "\n".join(f"    {line}" for line in telling[-_LAST_LINES:])
    fixes = (fix for pattern, fix in _CAUSES if re.search(pattern, shown, re.IGNORECASE))
    return EngineError(
        f"dockerd was started and does not answer; its last words:\n{shown}",
        fix=next(fixes, f"look at {where}"),
    )
