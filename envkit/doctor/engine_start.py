"""Make a container engine answer on this machine: install, start, wait. Asked again, it goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from envkit import paths
from envkit.doctor.apt import install, is_apt_machine
from envkit.engines.docker import DockerEngine, connect
from envkit.engines.endpoint import find_endpoints
from envkit.errors import EngineError, HostError
from envkit.hosts.base import Command, Host

# Program → the package of Debian and Ubuntu that has it; docker.io itself needs neither of the other two.
_PACKAGES = {"dockerd": "docker.io", "iptables": "iptables", "mmdebstrap": "mmdebstrap"}
# It answered after 8 s on a bare machine of 2 cores (facts/testbed.md); a large store takes longer.
_PATIENCE_S = 90.0
_PAUSE_S = 0.2
_LAST_LINES = 12
_PID_FILES = (Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid"))

# What the log says when it does not come up → what to do. Texts of dockerd and of iptables.
_LEGACY = re.compile(
    r"iptables.*(Table does not exist|can't initialize|nf_tables|Could not fetch rule set)", re.I
)
_CAUSES: tuple[tuple[str, str], ...] = (
    (
        "Devices cgroup isn't mounted|cgroups?: cgroup mountpoint does not exist",
        "mount the cgroups: `apt-get install cgroupfs-mount`, then run it again",
    ),
    (
        "no space left on device",
        "free space on the disk of /var/lib/docker",
    ),
    (
        "operation not permitted|permission denied|you do not have enough privileges",
        "this machine is a container without the rights of an engine: start it privileged, or "
        "set DOCKER_HOST to an engine elsewhere",
    ),
    (
        "iptables",
        "this kernel has no packet filter for it: load the module ip_tables or nf_tables",
    ),
    (
        "unable to configure the Docker daemon with file",
        "mend /etc/docker/daemon.json",
    ),
)

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class _Daemon:
    """How dockerd is started."""

    log: Path
    search_path: str  # its PATH: may begin with a folder of other iptables programs


def start(host: Host, report: Report) -> DockerEngine:
    """Return an engine that answers; HostError with what to do by hand where envkit may not install one."""
    try:
        engine = connect(host)
    except EngineError:
        if any(endpoint.named for endpoint in find_endpoints(host)) or (
            find_endpoints(host) and not _is_root(host)
        ):
            raise  # the user's own engine is not replaced by another
    else:
        report("an engine answers already")
        return engine
    _need_root_and_apt(host)
    missing = [package for program, package in _PACKAGES.items() if not host.find_programs(program)]
    if missing:
        install(host, missing, report)
    if _is_systemd(host):
        return _start_by_systemd(host, report)
    return _start_by_hand(host, report)


def _is_root(host: Host) -> bool:
    return host.run(Command(words=("id", "-u"))).stdout.strip() == "0"


def _need_root_and_apt(host: Host) -> None:
    if _is_root(host) and is_apt_machine(host):
        return
    if is_apt_machine(host):
        by_hand = "as root: `sudo envkit engine start`, then `sudo usermod -aG docker $USER` and log in again"
    else:
        by_hand = (
            "install Docker Engine or Podman with this system's package manager and start its service; "
            "or set DOCKER_HOST"
        )
    raise HostError(
        "no container engine answers, and envkit installs one only as root on Debian or Ubuntu", fix=by_hand
    )


def _is_systemd(host: Host) -> bool:
    return (host.read(Path("/proc/1/comm")) or b"").strip() == b"systemd"


def _start_by_systemd(host: Host, report: Report) -> DockerEngine:
    report("starting docker with systemd")
    done = host.run(Command(words=("systemctl", "enable", "--now", "docker"), timeout_s=_PATIENCE_S))
    engine = _wait(host, lambda: done.code == 0)
    if engine is None:
        words = ("journalctl", "--unit=docker", "--no-pager", "--output=cat", f"--lines={_LAST_LINES}")
        raise _failure(host.run(Command(words=words)).stdout or done.stderr, "journalctl -u docker")
    return engine


def _start_by_hand(host: Host, report: Report) -> DockerEngine:
    """Start dockerd in a session of its own: it outlives this command and its terminal."""
    if _runs(host, _PID_FILES[0]):
        report("dockerd runs already: waiting for it")
        engine = _wait(host, lambda: _runs(host, _PID_FILES[0]))
        if engine is not None:
            return engine
    log = paths.state() / "logs" / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    for search_path in ("", _legacy_folder()):
        daemon = _Daemon(log=log, search_path=search_path)
        _launch(host, daemon, report)
        engine = _wait(host, lambda: _runs(host, _PID_FILES[0]))
        if engine is not None:
            return engine
        text = _since_start(host, log)
        if not _LEGACY.search(text) or not host.find_programs("iptables-legacy"):
            break
        report("this kernel has no nf_tables: trying iptables-legacy")
    raise _failure(text, str(log))


def _launch(host: Host, daemon: _Daemon, report: Report) -> None:
    for path in _PID_FILES:
        if not _runs(host, path):
            # After a crash another program may have the number in it, and dockerd would not start.
            host.run(Command(words=("rm", "-f", str(path))))
    report(f"starting dockerd (log: {daemon.log})")
    # Containers inherit the limit: with Docker's own "infinity" programs that close every possible file take
    # minutes (moby issue 38814). The number is the one of Debian's init script.
    script = 'ulimit -n 1048576 2>/dev/null; log=$1; shift; exec "$@" >"$log" 2>&1 </dev/null'
    words = ("setsid", "--fork", "sh", "-c", script, "sh", str(daemon.log), "dockerd")
    env = {
        "PATH": f"{daemon.search_path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin".lstrip(
            ":"
        )
    }
    host.run(Command(words=words, env=env))


def _legacy_folder() -> str:
    """Return a folder where iptables is the old one: for dockerd alone, not for the machine."""
    folder = paths.state() / "iptables-legacy"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("iptables", "ip6tables"):
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(f"/usr/sbin/{name}-legacy")
    return str(folder)


def _wait(host: Host, goes_on: Callable[[], bool]) -> DockerEngine | None:
    """Return the engine as soon as it answers; None when its time is over, or when it has ended."""
    begun = time.monotonic()
    while time.monotonic() - begun < _PATIENCE_S:
        try:
            return connect(host)
        except EngineError:
            # A daemon writes its number a moment after it has begun.
            if time.monotonic() - begun > 5.0 and not goes_on():
                return None
            time.sleep(_PAUSE_S)
    return None


def _runs(host: Host, pid_file: Path) -> bool:
    """Tell whether the number in the file is that of a running dockerd or containerd."""
    number = (host.read(pid_file) or b"").strip().decode("ascii", "replace")
    if not number.isdigit():
        return False
    name = (host.read(Path("/proc") / number / "comm") or b"").strip()
    return name == pid_file.stem.encode("ascii").replace(b"docker", b"dockerd")


def _since_start(host: Host, log: Path) -> str:
    return (host.read(log) or b"").decode("utf-8", "replace")


def _failure(text: str, where: str) -> EngineError:
    lines = [line.strip() for line in text.splitlines() if line.strip()][-_LAST_LINES:]
    shown = "\n".join(f"    {line}" for line in lines) or "    (it said nothing)"
    fixes = (fix for pattern, fix in _CAUSES if re.search(pattern, "\n".join(lines), re.IGNORECASE))
    return EngineError(
        f"dockerd was started and does not answer; its last lines:\n{shown}",
        fix=next(fixes, f"look at {where}"),
    )
