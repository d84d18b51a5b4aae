"""What a build needs of this machine's network: proxy, CA bundle, the package tools' configuration. Pure.

It reaches every RUN as one secret, a shell file that is sourced: it exports variables and writes the files
they name into memory (`/dev/shm` of the build step), so that no layer, history or config holds any of it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

FOLDER = "/dev/shm/envkit-net"
# A machine's own places for code-server's release, its install script and its extensions.
MIRROR_NAMES = ("ENVKIT_RELEASES_URL", "ENVKIT_INSTALL_SCRIPT_URL", "ENVKIT_GALLERY_URL")
DNF_MIRROR = "ENVKIT_OPENEULER_URL"  # what stands for https://repo.openeuler.org
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True, kw_only=True)
class Network:
    """This machine's configuration, as its tools read it."""

    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)  # HTTP_PROXY, …; may hold passwords
    ca_bundle: str = field(default="", repr=False)  # PEM
    pip: Mapping[str, str] = field(default_factory=dict, repr=False)  # of `pip config list`: index-url, …
    npmrc: str = field(default="", repr=False)  # npm's own lines: registry, tokens, …
    apt: str = field(default="", repr=False)  # apt.conf lines: proxies
    apt_sources: str = field(default="", repr=False)  # lines of a sources.list: this machine's own mirror
    dnf: Mapping[str, str] = field(default_factory=dict, repr=False)  # of dnf.conf: proxy, …
    dnf_mirror: str = field(default="", repr=False)  # what stands for repo.openeuler.org
    distribution: str = ""  # "debian:12": what the sources are of
    mirrors: Mapping[str, str] = field(default_factory=dict, repr=False)  # ENVKIT_GALLERY_URL, …

    @property
    def has_credentials(self) -> bool:
        """Tell whether any of it would be a secret in a layer."""
        texts = [*self.pip.values(), *self.mirrors.values(), *self.dnf.values()]
        texts += [self.npmrc, self.apt, self.apt_sources, self.dnf_mirror]
        # A proxy may be written without `http://`; only a user's name stands before an `@`.
        return (
            any("@" in value for value in self.proxies.values())
            or "proxy_password" in self.dnf
            or any(map(_SECRET.search, texts))
        )


# `//user@`, `//user:password@`; npm's `_auth`, `_authToken` and `_password`.
_SECRET = re.compile(r"//[^/\s?#]*@|_auth|_password")


def for_base(network: Network, distribution: str) -> Network:
    """Return what serves a base: another distribution has no use for this machine's mirror."""
    own = network.apt_sources if network.distribution == distribution else ""
    mirror = network.dnf_mirror if distribution.startswith("openeuler:") else ""
    return replace(network, apt_sources=own, dnf_mirror=mirror)


def script(network: Network) -> str:
    """Return the shell file that a RUN sources; bash reads it, under `set -euo pipefail`."""
    lines = ["# This machine's network: never part of an image.", f"install -d -m 0755 {FOLDER}"]
    exports = dict(_pip_exports(network)) | dict(_proxy_exports(network)) | dict(network.mirrors)
    files = {
        "ca.crt": network.ca_bundle,
        "npmrc": network.npmrc,
        "sources.list": network.apt_sources,
        "apt.conf": _apt(network),
        "dnf.conf": _dnf(network),
    }
    for name, content in files.items():
        if content:
            # No marker ends it, as a here-document's could; `printf` is bash's own: no length is too great.
            lines.append(f"printf '%s\\n' {_quoted(content.rstrip())} >{FOLDER}/{name}")
    if network.apt_sources:
        lines.append(_OTHER_SOURCES)
    if files["dnf.conf"]:
        lines.append(_mirrored(network.dnf_mirror) if network.dnf_mirror else "")
        lines.append(_DNF)
    if network.ca_bundle:
        exports |= dict.fromkeys(_CA_VARIABLES, f"{FOLDER}/ca.crt")
    if network.npmrc:
        exports["NPM_CONFIG_USERCONFIG"] = f"{FOLDER}/npmrc"
    if files["apt.conf"]:
        exports["APT_CONFIG"] = f"{FOLDER}/apt.conf"
    lines += [f"export {name}={_quoted(value)}" for name, value in sorted(exports.items())]
    return "\n".join(lines) + "\n"


# The base's sources of others (a vendor's) stay; the distribution's own are replaced by this machine's.
_OTHER_SOURCES = f"""\
install -d -m 0755 {FOLDER}/sources.list.d
for file in /etc/apt/sources.list.d/*; do
    case "$file" in
    *'/*' | */debian.sources | */ubuntu.sources) ;;
    *) cp "$file" {FOLDER}/sources.list.d/ ;;
    esac
done"""


def _mirrored(mirror: str) -> str:
    """Return lines that read the base's own repositories, of its service pack, from a mirror; others stay."""
    address = _quoted(re.sub(r"([\\&,])", r"\\\1", mirror.rstrip("/")))
    return f"""\
install -d -m 0755 {FOLDER}/repos.d
for file in /etc/yum.repos.d/*.repo; do
    [ -e "$file" ] || continue
    sed -E -e '/^(metalink|mirrorlist) *=.*openeuler\\.org/d' \\
        -e 's,https?://(repo|mirrors)\\.openeuler\\.org(/openeuler)?/,'{address}'/,' "$file" \\
        >"{FOLDER}/repos.d/${{file##*/}}"
done"""


# dnf has no variable that names a file of settings: the base's own are taken over, and ours are added.
_DNF = f"""\
if [ -e /etc/dnf/dnf.conf ]; then
    {{ cat /etc/dnf/dnf.conf; echo; cat {FOLDER}/dnf.conf; }} >{FOLDER}/dnf-whole.conf
    dnf() {{ command dnf --config {FOLDER}/dnf-whole.conf "$@"; }}
    yum() {{ command yum --config {FOLDER}/dnf-whole.conf "$@"; }}
    export -f dnf yum
fi"""


def _quoted(text: str) -> str:
    """Return a text as one word of the shell, which knows no NUL."""
    return shlex.quote(text.replace("\0", ""))


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


# pip's setting → the variables of pip and of uv, which reads none of pip's.
_PIP_VARIABLES = {
    "index-url": ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    "extra-index-url": ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    "find-links": ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
    "trusted-host": ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST"),
    "timeout": ("PIP_DEFAULT_TIMEOUT", "UV_HTTP_TIMEOUT"),
    "no-index": ("PIP_NO_INDEX", "UV_NO_INDEX"),
    "proxy": ("PIP_PROXY", "ALL_PROXY"),
}
_SEPARATORS = {"UV_FIND_LINKS": ","}
_TRUE = ("1", "true", "yes", "on", "y", "t")  # pip's own words (strtobool)


def _pip_exports(network: Network) -> list[tuple[str, str]]:
    """Return pip's settings as variables. Folders of this machine are left out: a build does not see them."""
    settings = {"timeout": network.pip.get("default-timeout", ""), **network.pip}
    found = []
    for name, variables in _PIP_VARIABLES.items():
        words = settings.get(name, "").split()
        if name in ("extra-index-url", "find-links", "index-url"):
            words = [word for word in words if _is_remote(word)]
        if name == "no-index":
            words = ["1"] if words and words[0].lower() in _TRUE else []
        if words:
            found += [(variable, _SEPARATORS.get(variable, " ").join(words)) for variable in variables]
    return found


def _apt(network: Network) -> str:
    lines = [network.apt.rstrip()] if network.apt else []
    if network.ca_bundle:
        lines.append(f'Acquire::https::CAInfo "{FOLDER}/ca.crt";')
    if network.apt_sources:
        lines.append(f'Dir::Etc::sourcelist "{FOLDER}/sources.list";')
        lines.append(f'Dir::Etc::sourceparts "{FOLDER}/sources.list.d";')
    return "\n".join(lines)


def _dnf(network: Network) -> str:
    """Return lines for the end of dnf.conf, whose last section is `[main]`."""
    lines = [f"{name}={value}" for name, value in sorted(network.dnf.items())]
    if network.ca_bundle:
        lines.append(f"sslcacert={FOLDER}/ca.crt")
    if network.dnf_mirror:
        lines.append(f"reposdir={FOLDER}/repos.d")
    if lines:
        lines.append(f"logdir={FOLDER}")  # of steps of the user's own: logs name mirrors and proxies
    return "\n".join(lines)


def _is_remote(url: str) -> bool:
    return re.match(r"https?://", url) is not None


def without_local_folders(network: Network) -> Network:
    """Return it without the wheel folders of its machine."""
    kept = [word for word in network.pip.get("find-links", "").split() if _is_remote(word)]
    pip = {name: value for name, value in network.pip.items() if name != "find-links"}
    return replace(network, pip={**pip, **({"find-links": " ".join(kept)} if kept else {})})


def local_folders(network: Network) -> tuple[str, ...]:
    """Return the wheel folders of this machine's pip: their files travel in the build context."""
    words = network.pip.get("find-links", "").split()
    return tuple(dict.fromkeys(word.removeprefix("file://") for word in words if not _is_remote(word)))
