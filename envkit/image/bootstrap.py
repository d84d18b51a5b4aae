"""Make a base image of Debian or Ubuntu from its own packages, where no registry gives one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from envkit import compat
from envkit.engines.base import Engine
from envkit.engines.values import OWNED
from envkit.errors import HostError
from envkit.hosts.apt import complaints, fix_for, install, is_apt_machine
from envkit.hosts.base import Command, Host
from envkit.scratch import Scratch

_SILENCE_S = 600.0
_STAGE = re.compile(r"I: ((running apt-get|downloading|extracting|installing|creating) .*?)(\.\.\.)?$")
# Files carry this time instead of the clock's: 2000-01-01, because a zip file knows no time before 1980.
_EPOCH = "946684800"
# Where the keys are, and the package that puts them there.
_KEYRINGS = {
    "debian": ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    "ubuntu": ("/usr/share/keyrings/ubuntu-archive-keyring.gpg", "ubuntu-keyring"),
}
_COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "universe")}
# What this machine's apt is told of the network and of clocks; the rest of its settings is its own affair.
_APT_SETTINGS = re.compile(
    r"Acquire::((http|https|ftp)::(Proxy|ProxyAutoDetect|Proxy-Auto-Detect|CaInfo|Timeout)\S*"
    r'|Retries|Check-Valid-Until|Check-Date) "[^"]+";',
    re.IGNORECASE,
)
# These settings serve the making only: a proxy of this machine has no place in an image.
_FORGET = 'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"'

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class _Release:
    """A release of a distribution, as compat/distributions.json knows it."""

    name: str  # "debian:12"
    codename: str
    mirror: str

    @property
    def distribution(self) -> str:
        return self.name.partition(":")[0]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A base to make."""

    name: str  # "debian:12"
    reference: str  # what it is called
    foreign: str = ""  # the machine that it is for, where that is not the engine's


def bootstrap(wanted: Wanted, engine: Engine, host: Host, report: Report) -> None:
    """Make the base and tag it. HostError says what each mirror said.

    An interrupted one leaves nothing tagged: the image is imported whole, with its tag, at the end.
    """
    release = _release(wanted.name)
    _need_mmdebstrap(host, report, wanted.foreign)
    own = _own_sources(host, release)
    failures = []
    with Scratch("base") as scratch:
        tar = scratch / "base.tar"
        for sources in dict.fromkeys(filter(None, (own, _default_sources(release)))):
            report(f"making it from {sources[0].split()[1]}")
            command = _command(host, release, wanted.foreign or engine.facts().architecture, (*sources,))
            try:
                _run(host, command, tar, report)
            except HostError as error:
                failures.append(error)
                continue
            labels = {OWNED: "true", "io.envkit.kind": "base", "io.envkit.distribution": wanted.name}
            engine.images.import_rootfs(tar, wanted.reference, labels, wanted.foreign)
            return
    raise HostError("\n".join(error.what for error in failures), fix=failures[0].fix)


def _release(name: str) -> _Release:
    rows = compat.table("distributions")["rows"]
    row = rows.get(name)
    if row is None or "codename" not in row:
        known = ", ".join(known for known, about in rows.items() if "codename" in about)
        raise HostError(f"envkit cannot make {name} itself", fix=f"it can make {known}")
    return _Release(name=name, codename=row["codename"], mirror=row["mirror"])


def _need_mmdebstrap(host: Host, report: Report, foreign: str) -> None:
    # mmdebstrap asks the other one whether a foreign machine is emulated.
    programs = ("mmdebstrap", "arch-test") if foreign else ("mmdebstrap",)
    absent = tuple(program for program in programs if not host.find_programs(program))
    if not absent:
        return
    root = host.run(Command(words=("id", "-u"))).stdout.strip() == "0"
    if not (root and is_apt_machine(host)):
        words = " ".join(absent)
        raise HostError(f"{words} is not here", fix=f"as root: `apt-get install {words}`")
    install(host, absent, report)


def _own_sources(host: Host, release: _Release) -> tuple[str, ...]:
    """Return this machine's own sources of the distribution, for the release; none on another system."""
    about = (host.read(Path("/etc/os-release")) or b"").decode("utf-8", "replace")
    own = re.search(r"^VERSION_CODENAME=\"?(\w+)", about, re.MULTILINE)
    if own is None or not re.search(rf"^ID=\"?{release.distribution}\b", about, re.MULTILINE):
        return ()
    words = ("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)")
    rows = host.run(Command(words=(*words, "Created-By: Packages"))).stdout.splitlines()
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        site, suite, component, *origin = row.split()
        # Others publish under the same names; an origin is known once apt has read the lists.
        foreign = origin and origin[0].lower() not in (release.distribution, "$(origin)")
        ours = suite.partition("-")[0] == own[1] and component in _COMPONENTS[release.distribution]
        # Credentials in an address would stay in the image.
        if ours and not foreign and "@" not in site:
            found.setdefault((site, suite.replace(own[1], release.codename, 1)), []).append(component)
    return tuple(f"deb {site} {suite} {' '.join(parts)}" for (site, suite), parts in found.items())


def _default_sources(release: _Release) -> tuple[str, ...]:
    """Return the distribution's own mirror, with its updates and security fixes."""
    parts = " ".join(_COMPONENTS[release.distribution])
    security = f"{release.mirror}-security" if release.distribution == "debian" else release.mirror
    return (
        f"deb {release.mirror} {release.codename} {parts}",
        f"deb {release.mirror} {release.codename}-updates {parts}",
        f"deb {security} {release.codename}-security {parts}",
    )


def _command(host: Host, release: _Release, architecture: str, sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return mmdebstrap's command line but for the target, which follows the suite."""
    keyring, package = _KEYRINGS[release.distribution]
    if host.read(Path(keyring)) is None:
        raise HostError(
            f"the keys of {release.distribution}'s packages are not on this machine ({keyring})",
            fix=f"install the package `{package}`, or `docker load` the base",
        )
    settings = host.run(Command(words=("apt-config", "dump", "Acquire"))).stdout.splitlines()
    return (
        "mmdebstrap",
        "--variant=minbase",
        "--include=ca-certificates",
        f"--architectures={architecture}",
        f"--keyring={keyring}",
        *(f"--aptopt={line}" for line in settings if _APT_SETTINGS.fullmatch(line)),
        f"--customize-hook={_FORGET}",
        release.codename,
        "TARGET",
        *sources,
    )


def _run(host: Host, words: tuple[str, ...], tar: Path, report: Report) -> None:
    lines: list[str] = []

    def each_line(line: str) -> None:
        lines.append(line)
        if stage := _STAGE.match(line):
            report(f"  {stage[1]}")

    tar.unlink(missing_ok=True)
    whole = tuple(str(tar) if word == "TARGET" else word for word in words)
    command = Command(words=whole, env={"SOURCE_DATE_EPOCH": _EPOCH}, timeout_s=_SILENCE_S)
    if host.stream(command, each_line) != 0:
        shown = complaints(lines)
        by_hand = f"run it by hand to see more: {shlex.join(words)}"
        raise HostError(f"mmdebstrap failed:\n{shown}", fix=fix_for(shown, by_hand))
