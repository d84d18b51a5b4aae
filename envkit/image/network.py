"""Read this machine's network configuration: what its proxy, CA, pip, npm and apt are told."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from pathlib import Path

from envkit.hosts.base import Command, Host
from envkit.plan.network import PROXY_NAMES, Network

# Where each tool looks, later ones win: pip's user guide "Configuration", npm's "npmrc".
_PIP_FILES = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
_NPM_FILES = ("/usr/etc/npmrc", "/etc/npmrc", "~/.npmrc")
_NPM_KEYS = re.compile(r"(@[\w.-]+:)?registry|//\S+:_\w+|strict-ssl|proxy|https-proxy|noproxy")
# The bundles of Debian/Ubuntu, Red Hat/openEuler and SUSE.
_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def read_network(host: Host, environment: Mapping[str, str]) -> Network:
    """Return the configuration; what a machine does not have is left out."""
    pip = _pip(host, environment)
    return Network(
        proxies=_proxies(environment),
        ca_bundle=_ca_bundle(host, environment, pip),
        pip=pip,
        npmrc=_npmrc(host),
        apt=_apt(host),
    )


def _proxies(environment: Mapping[str, str]) -> dict[str, str]:
    found = {name: environment.get(name) or environment.get(name.lower()) for name in PROXY_NAMES}
    return {name: value for name, value in found.items() if value}


def _pip(host: Host, environment: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings: its files, then `PIP_…` variables, as pip itself merges them."""
    settings: dict[str, str] = {}
    files = [*_PIP_FILES, *filter(None, [environment.get("PIP_CONFIG_FILE")])]
    for path in files:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(_text(host, path))
        except configparser.Error:
            continue  # pip itself says what is wrong with it
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update(parser.items(section))
    for name, value in environment.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE":
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return settings


def _ca_bundle(host: Host, environment: Mapping[str, str], pip: Mapping[str, str]) -> str:
    named = [pip.get("cert"), *(environment.get(name) for name in _CA_VARIABLES)]
    for path in [*filter(None, named), *_CA_FILES]:
        text = _text(host, path)
        if "BEGIN CERTIFICATE" in text:
            return text
    return ""


def _npmrc(host: Host) -> str:
    """Return the lines about registries, credentials and proxies; paths of this machine mean nothing in a build."""
    lines = []
    for path in _NPM_FILES:
        for line in _text(host, path).splitlines():
            key = line.partition("=")[0].strip()
            if _NPM_KEYS.fullmatch(key):
                lines.append(line.strip())
    return "\n".join(lines)


def _apt(host: Host) -> str:
    """Return apt's proxy settings."""
    if not host.find_programs("apt-config"):
        return ""
    dump = host.run(Command(words=("apt-config", "dump", "Acquire"))).stdout
    wanted = re.compile(r'Acquire::(?:http|https|ftp)::(?:Proxy|proxy)\S* "[^"]+";|Acquire::Retries "\d+";')
    return "\n".join(line for line in dump.splitlines() if wanted.fullmatch(line))


def _text(host: Host, path: str) -> str:
    content = host.read(Path(os.path.expanduser(path)))
    return content.decode("utf-8", "replace") if content else ""
