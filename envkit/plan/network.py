"""What a build needs of this machine's network: proxy, CA bundle, and the package tools' own configuration. Pure.

It reaches every RUN as one secret, a shell file that is sourced: it exports variables and writes the files
they name into memory (`/dev/shm` of the build step), so that no layer, history or config holds any of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FOLDER = "/dev/shm/envkit-net"
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True, kw_only=True)
class Network:
    """This machine's configuration, as its tools read it."""

    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)  # HTTP_PROXY, …; may hold passwords
    ca_bundle: str = field(default="", repr=False)  # PEM
    pip: Mapping[str, str] = field(default_factory=dict, repr=False)  # of `pip config list`: index-url, …
    npmrc: str = field(default="", repr=False)  # npm's own lines: registry, tokens, …
    apt: str = field(default="", repr=False)  # apt.conf lines: proxies, CA

    @property
    def has_credentials(self) -> bool:
        """Tell whether any of it would be a secret in a layer."""
        urls = [
            *self.proxies.values(),
            *(word for value in self.pip.values() for word in value.split()),
            *self.apt.split('"'),
        ]
        return any("@" in urlsplit(url).netloc for url in urls if "//" in url) or "_auth" in self.npmrc


def script(network: Network) -> str:
    """Return the shell file that a RUN sources."""
    lines = ["# This machine's network: never part of an image.", f"install -d -m 0755 {FOLDER}"]
    exports = dict(_proxy_exports(network)) | dict(_pip_exports(network))
    files = {"ca.crt": network.ca_bundle, "npmrc": network.npmrc, "apt.conf": _apt(network)}
    for name, content in files.items():
        if content:
            lines.append(f"cat >{FOLDER}/{name} <<'ENVKIT-END'\n{content.rstrip()}\nENVKIT-END")
    if network.ca_bundle:
        exports |= dict.fromkeys(_CA_VARIABLES, f"{FOLDER}/ca.crt")
    if network.npmrc:
        exports["NPM_CONFIG_USERCONFIG"] = f"{FOLDER}/npmrc"
    if files["apt.conf"]:
        exports["APT_CONFIG"] = f"{FOLDER}/apt.conf"
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(exports.items())]
    return "\n".join(lines) + "\n"


# Each tool's own name for the file with the CAs: OpenSSL (Python, uv), requests, pip, curl, git, Node, npm.
_CA_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "npm_config_cafile",
)


def _proxy_exports(network: Network) -> list[tuple[str, str]]:
    return [(spelled, value) for name, value in network.proxies.items() for spelled in (name, name.lower())]


def _pip_exports(network: Network) -> list[tuple[str, str]]:
    """Return pip's settings for pip and, translated, for uv, which reads none of pip's."""
    settings = network.pip
    found = []
    if "index-url" in settings:
        found += [("PIP_INDEX_URL", settings["index-url"]), ("UV_DEFAULT_INDEX", settings["index-url"])]
    extra = [url for url in settings.get("extra-index-url", "").split() if _is_remote(url)]
    if extra:
        found += [("PIP_EXTRA_INDEX_URL", " ".join(extra)), ("UV_INDEX", " ".join(extra))]
    links = [url for url in settings.get("find-links", "").split() if _is_remote(url)]
    if links:
        found += [("PIP_FIND_LINKS", " ".join(links)), ("UV_FIND_LINKS", ",".join(links))]
    if "trusted-host" in settings:
        found += [
            ("PIP_TRUSTED_HOST", settings["trusted-host"]),
            ("UV_INSECURE_HOST", settings["trusted-host"]),
        ]
    if "timeout" in settings or "default-timeout" in settings:
        timeout_s = settings.get("timeout", settings.get("default-timeout", ""))
        found += [("PIP_DEFAULT_TIMEOUT", timeout_s), ("UV_HTTP_TIMEOUT", timeout_s)]
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        found += [("PIP_NO_INDEX", "1"), ("UV_NO_INDEX", "1")]
    return found


def _apt(network: Network) -> str:
    lines = [network.apt.rstrip()] if network.apt else []
    if network.ca_bundle:
        lines.append(f'Acquire::https::CAInfo "{FOLDER}/ca.crt";')
    return "\n".join(lines)


def _is_remote(url: str) -> bool:
    return re.match(r"https?://", url) is not None


def local_folders(network: Network) -> tuple[str, ...]:
    """Return the wheel folders of this machine's pip: their files travel in the build context."""
    words = network.pip.get("find-links", "").split()
    return tuple(dict.fromkeys(word.removeprefix("file://") for word in words if not _is_remote(word)))
