"""Read this machine's network configuration: what its proxy, CA, pip, npm, apt and dnf are told."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from envkit.errors import HostError
from envkit.hosts.base import Command, Host, Remote
from envkit.image import dnf_sources
from envkit.image.apt_sources import own_mirror
from envkit.plan.network import DNF_MIRROR, MIRROR_NAMES, PROXY_NAMES, Network

# Where `npm config get globalconfig` points: npm's own prefix, a local one, Debian's.
_NPM_FILES = ("/usr/etc/npmrc", "/usr/local/etc/npmrc", "/etc/npmrc")
# npm's keys that matter in a build: its documentation, "npmrc" and "config". Paths of this machine do not.
_NPM_KEYS = re.compile(
    r"(?:@[\w.-]+:)?registry|//\S+:(?:_\w+|username|email)|_auth\w*|strict-ssl|(?:https-)?proxy|noproxy"
)
# The bundles of Debian/Ubuntu, Red Hat/openEuler and SUSE.
_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_APT_SOURCES = re.compile(r"/etc/apt/(?:sources\.list|sources\.list\.d/[\w.-]+\.(?:list|sources))")
_APT_PROXY = re.compile(
    r'Acquire::(?:http|https|ftp)::[Pp]roxy(?:::[\w.-]+)? "[^"]+";|Acquire::Retries "\d+";'
)


def read_network(host: Host, environment: Mapping[str, str]) -> Network:
    """Return the configuration; what a machine does not have, or this user may not read, is left out."""
    machine = _Machine(host=host, environment=environment)
    pip = _pip(machine)
    distribution = _distribution(machine)
    return Network(
        proxies=_proxies(environment),
        ca_bundle=_ca_bundle(machine, pip),
        pip=pip,
        npmrc=_npmrc(machine),
        apt=_apt(machine),
        apt_sources=own_mirror(distribution, _apt_files(machine)),
        dnf=dnf_sources.own_settings(machine.text("/etc/dnf/dnf.conf")),
        dnf_mirror=environment.get(DNF_MIRROR, "").rstrip("/")
        or dnf_sources.own_mirror(distribution, _dnf_files(machine, distribution)),
        distribution=distribution,
        mirrors={name: environment[name].rstrip("/") for name in MIRROR_NAMES if environment.get(name)},
    )


def environment_of(host: Host) -> Mapping[str, str]:
    """Return the environment of whoever asks, on the machine whose network a build will use."""
    if not isinstance(host, Remote):
        return os.environ
    told = host.run(Command(words=("env", "-0"))).stdout
    return dict(entry.partition("=")[::2] for entry in told.split("\0") if "=" in entry)


@dataclass(frozen=True, kw_only=True)
class _Machine:
    """A host, and the environment of the one who asks."""

    host: Host
    environment: Mapping[str, str]

    def text(self, path: str) -> str:
        """Return a file's text, "" when it cannot be read; `~` is the asking user's home."""
        if path.startswith("~/"):
            path = self.environment.get("HOME", "/root") + path[1:]
        try:
            return (self.host.read(Path(path)) or b"").decode("utf-8", "replace")
        except HostError:  # no file, or another user's: its own tool could not read it either
            return ""

    def output(self, *words: str) -> str:
        """Return what a program prints, "" when it is not there or fails."""
        if not self.host.find_programs(words[0]):
            return ""
        done = self.host.run(Command(words=words))
        return done.stdout if done.code == 0 else ""


def _proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies; the lower-case name wins, as curl and Python have it."""
    found = {name: environment.get(name.lower()) or environment.get(name) for name in PROXY_NAMES}
    return {name: value for name, value in found.items() if value}


def _pip(machine: _Machine) -> dict[str, str]:
    """Return pip's settings as pip merges them (its user guide, "Configuration").

    Of its files, later ones win; what is for the command `install` beats what is for all; `PIP_…` beats both.
    """
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for path in _pip_files(machine):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(machine.text(path))
        except configparser.Error:
            continue  # pip itself says what is wrong with it
        for section, found in sections.items():
            if parser.has_section(section):
                found.update({_pip_key(name): value for name, value in parser.items(section)})
    variables = {
        _pip_key(name.removeprefix("PIP_")): value
        for name, value in machine.environment.items()
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE" and value
    }
    return {**sections["global"], **sections["install"], **variables}


def _pip_files(machine: _Machine) -> Iterator[str]:
    """Yield pip's files, later ones win: machine, user, virtual environment, and the one that is named."""
    own = machine.environment.get("PIP_CONFIG_FILE", "")
    if own == "/dev/null":
        return  # pip's way to say: none at all
    for folder in machine.environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
        yield f"{folder}/pip/pip.conf"
    yield "/etc/pip.conf"
    if not own:  # "the user config file will not be loaded"
        yield "~/.pip/pip.conf"
        yield machine.environment.get("XDG_CONFIG_HOME", "~/.config") + "/pip/pip.conf"
    if prefix := machine.environment.get("VIRTUAL_ENV"):
        yield f"{prefix}/pip.conf"
    if own:
        yield own


def _pip_key(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _ca_bundle(machine: _Machine, pip: Mapping[str, str]) -> str:
    named = [pip.get("cert"), *(machine.environment.get(name) for name in _CA_VARIABLES)]
    for path in [*filter(None, named), *_CA_FILES]:
        text = machine.text(path)
        if "BEGIN CERTIFICATE" in text:
            return text
    return ""


def _npmrc(machine: _Machine) -> str:
    """Return npm's lines about registries, credentials and proxies; later ones win, as npm reads them."""
    variables = {
        _npm_key(name[len("npm_config_") :]): value
        for name, value in sorted(machine.environment.items())
        if name.lower().startswith("npm_config_") and value
    }
    lines = []
    for path in (*_NPM_FILES, variables.get("userconfig", "~/.npmrc")):
        for line in machine.text(path).splitlines():
            if _NPM_KEYS.fullmatch(line.partition("=")[0].strip().strip("\"'")):
                lines.append(_expanded(line.strip(), machine.environment))
    lines += [f"{name}={value}" for name, value in variables.items() if _NPM_KEYS.fullmatch(name)]
    return "\n".join(lines)


def _npm_key(name: str) -> str:
    """Return what a variable sets; the name of a registry's own setting is kept as it is."""
    return name if name.startswith(("//", "@")) else re.sub(r"(?<=\w)_", "-", name.lower())


def _expanded(line: str, environment: Mapping[str, str]) -> str:
    """Put variables of this machine in, which a build does not have: `${NPM_TOKEN}`."""
    return re.sub(r"(?<!\\)\$\{(\w+)\}", lambda found: environment.get(found[1], found[0]), line)


def _apt(machine: _Machine) -> str:
    """Return apt's proxy settings."""
    dump = machine.output("apt-config", "dump", "Acquire")
    return "\n".join(line for line in dump.splitlines() if _APT_PROXY.fullmatch(line))


def _apt_files(machine: _Machine) -> dict[str, str]:
    """Return the texts of the files that apt takes its sources from (sources.list(5))."""
    told = machine.output("find", "/etc/apt", "-maxdepth", "2", "-path", "*/sources.list*", "-type", "f")
    names = [name for name in sorted(told.splitlines()) if _APT_SOURCES.fullmatch(name)]
    return {name: machine.text(name) for name in names}


def _dnf_files(machine: _Machine, distribution: str) -> dict[str, str]:
    """Return the texts of the files that dnf takes its repositories from, on a machine that has openEuler."""
    if not distribution.startswith("openeuler:"):
        return {}
    told = machine.output("find", "/etc/yum.repos.d", "-maxdepth", "1", "-name", "*.repo", "-type", "f")
    return {name: machine.text(name) for name in sorted(told.splitlines())}


def _distribution(machine: _Machine) -> str:
    """Return what this machine runs, as bases are named: `debian:12`."""
    found = dict(
        re.findall(r'^(ID|VERSION_ID)="?([\w.-]+)"?$', machine.text("/etc/os-release"), re.MULTILINE)
    )
    return f"{found.get('ID', '').lower()}:{found.get('VERSION_ID', '')}"
