"""Install packages of Debian and Ubuntu, also after an installation that was killed half-way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from envkit.errors import HostError
from envkit.hosts.base import Command, Host

_ENV = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
# Another apt may hold the lock for minutes (unattended upgrades of a machine that has just started).
_LOCK = "DPkg::Lock::Timeout=300"
_SILENCE_S = 600.0
_LAST_LINES = 8
# What apt and dpkg say → what to do.
_CAUSES: tuple[tuple[str, str], ...] = (
    (
        "Could not get lock|is another process using it",
        "another apt runs: wait until it is done, and run it again",
    ),
    (
        "Temporary failure resolving|Could not resolve",
        "a name could not be resolved: look at this machine's DNS and proxy (Acquire::http::Proxy)",
    ),
    (
        "Could not connect|Connection timed out|Connection refused|Unable to connect",
        "the mirror cannot be reached: look at /etc/apt/sources.list*, and at "
        "Acquire::http::Proxy if a proxy is needed",
    ),
    (
        "is not valid yet",
        "this machine's clock is behind: set it",
    ),
    (
        "[Nn]o space left on device|not enough free space",
        "free space on this machine's disk",
    ),
    (
        "Unable to locate package|has no installation candidate",
        "the sources in /etc/apt do not have it: `main` of Debian and `universe` of Ubuntu do",
    ),
    (
        "404 +Not Found",
        "the mirror is being updated: run it again in a few minutes",
    ),
    (
        "certificate verif|Certificate verification",
        "a proxy here signs with its own CA: add it to this machine's CA bundle",
    ),
)

# dpkg configures no package whose unpacking was cut off, and apt 2.6 does not unpack it again where two need
# each other, as libdevmapper1.02.1 and dmsetup do. `apt-get download` heeds no dependencies.
_LIST_TORN = ("dpkg-query", "-W", "-f", r"${db:Status-Eflag} ${binary:Package}\n")
_UNPACK = """
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -o APT::Sandbox::User=root download "$@"
dpkg --unpack ./*.deb
dpkg --configure -a --force-confdef --force-confold || true  # what is missing comes with the installation
"""

Report = Callable[[str], None]


def is_apt_machine(host: Host) -> bool:
    """Tell whether this is Debian or Ubuntu, or made from one of them."""
    text = (host.read(Path("/etc/os-release")) or b"").decode("utf-8", "replace")
    return re.search(r'^ID(_LIKE)?="?.*\b(debian|ubuntu)\b', text, re.MULTILINE) is not None


def install(host: Host, packages: Sequence[str], report: Report) -> None:
    """Install; what is there already stays as it is. HostError says why apt could not."""
    # A killed installation leaves packages unpacked and not configured; apt refuses until this has run.
    _step(host, ("dpkg", "--configure", "-a", "--force-confdef", "--force-confold"), report)
    report("reading the package lists (apt-get update)")
    # Not fatal by itself: one broken third-party source fails it, and Debian's own lists are there.
    _, update = _step(host, ("apt-get", "-o", _LOCK, "update"), report)
    if torn := _torn(host):
        report(f"unpacking {', '.join(torn)} again: an earlier installation was cut off there")
        update += _step(host, ("sh", "-c", _UNPACK, "unpack", *torn), report)[1]
    report(f"installing {', '.join(packages)}")
    words = ("apt-get", "-o", _LOCK, "install", "--yes", "--no-install-recommends", *packages)
    code, lines = _step(host, words, report)
    if code != 0 and any("--fix-broken" in line for line in lines):
        report("mending what an earlier installation left (apt-get --fix-broken install)")
        _step(host, ("apt-get", "-o", _LOCK, "--fix-broken", "install", "--yes"), report)
        code, lines = _step(host, words, report)
    if code != 0:
        raise _failure(packages, [*update, *lines])


def _torn(host: Host) -> list[str]:
    """Return the packages that dpkg was unpacking when it was killed: `reinstreq` in its status (dpkg(1))."""
    listed = host.run(Command(words=_LIST_TORN, env=_ENV))
    flagged = (line.split() for line in listed.stdout.splitlines())
    return [words[1] for words in flagged if len(words) == 2 and words[0] == "reinstreq"]


def _step(host: Host, words: tuple[str, ...], report: Report) -> tuple[int, list[str]]:
    started = time.monotonic()
    lines: list[str] = []

    def each_line(line: str) -> None:
        lines.append(line)
        if line.startswith("Setting up "):
            report(f"  {line.rstrip(' .')} ({time.monotonic() - started:.0f} s)")

    code = host.stream(Command(words=words, env=_ENV, timeout_s=_SILENCE_S), each_line)
    return code, lines


def complaints(lines: Sequence[str]) -> str:
    """Return what apt complained of, for an error; its last lines when it did not."""
    after_error = (
        before.startswith("Err:") for before in ("", *lines)
    )  # the reason stands on a line of its own
    telling = [
        line
        for line, continued in zip(lines, after_error, strict=False)
        if line.startswith(("E: ", "W: ", "Err:", "dpkg: ")) or (continued and line.startswith("  "))
    ] or lines
    return "\n".join(f"    {line}" for line in telling[-_LAST_LINES:])


def fix_for(text: str, otherwise: str) -> str:
    """Return what to do about a cause that we know."""
    return next((fix for pattern, fix in _CAUSES if re.search(pattern, text)), otherwise)


def _failure(packages: Sequence[str], lines: Sequence[str]) -> HostError:
    shown = complaints(lines)
    names = " ".join(packages)
    by_hand = f"run it by hand to see more: apt-get update && apt-get install {names}"
    return HostError(f"apt-get could not install {names}:\n{shown}", fix=fix_for(shown, by_hand))
