"""Make a container engine answer on this machine: install, start, wait. Asked again, it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from envkit.doctor.daemon import start_by_hand, start_by_systemd
from envkit.engines.base import Engine
from envkit.engines.failures import NoEngine
from envkit.errors import HostError
from envkit.hosts.apt import install, is_apt_machine
from envkit.hosts.base import Command, Host

# Program → the package of Debian and Ubuntu that has it; docker.io itself needs neither of the other two.
_PACKAGES = {"dockerd": "docker.io", "iptables": "iptables", "mmdebstrap": "mmdebstrap"}

Report = Callable[[str], None]
Connect = Callable[[Host], Engine]


def start(host: Host, connect: Connect, report: Report) -> Engine:
    """Return an engine that answers, after installing and starting one if need be.

    HostError says what to do by hand where envkit may not; EngineError comes from an engine that the user
    named and that does not answer: it is not replaced by another.
    """
    try:
        engine = connect(host)
    except NoEngine as error:
        _refuse_elsewhere(host, error)
    else:
        report("an engine answers already")
        return engine
    missing = [package for program, package in _PACKAGES.items() if not host.find_programs(program)]
    if missing:
        install(host, missing, report)
    if (host.read(Path("/proc/1/comm")) or b"").strip() == b"systemd":
        return start_by_systemd(host, connect, report)
    return start_by_hand(host, connect, report)


def _refuse_elsewhere(host: Host, error: NoEngine) -> None:
    debian = is_apt_machine(host)
    if debian and host.run(Command(words=("id", "-u"))).stdout.strip() == "0":
        return
    if debian:
        by_hand = "`sudo envkit engine start`, then `sudo usermod -aG docker $USER`, and log in again"
    else:
        by_hand = (
            "install Docker Engine or Podman with this system's package manager and start its service, "
            "or set DOCKER_HOST to an engine elsewhere"
        )
    what = f"{error.what}; envkit installs and starts one only as root on Debian or Ubuntu"
    raise HostError(what, fix=by_hand) from error
