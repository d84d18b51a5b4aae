"""The host keys that are known: envkit's own known_hosts beside the user's and the machine's (sshd(8))."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envkit import paths
from envkit.errors import HostError
from envkit.hosts.failures import HostKey, changed_key, revoked_key, unknown_key

_SYSTEM = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One line of a known_hosts file."""

    marker: str  # "", "@revoked", "@cert-authority"
    names: str
    kind: str
    base64: str
    path: Path


def own_file() -> Path:
    """Return the file that `envkit host trust` writes."""
    return paths.config() / "known_hosts"


def user_files() -> tuple[Path, ...]:
    """Return the files that belong to envkit and to the user, as ssh's UserKnownHostsFile takes them."""
    ssh = Path.home() / ".ssh"
    return (own_file(), ssh / "known_hosts", ssh / "known_hosts2")


def key_name(host: str, port: int) -> str:
    """Return the name under which known_hosts has a machine."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def host_key(name: str, kind: str, blob: bytes) -> HostKey:
    """Return a key with its fingerprint."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return HostKey(
        name=name, kind=kind, base64=base64.b64encode(blob).decode(), fingerprint=f"SHA256:{digest}"
    )


def known_kinds(name: str) -> tuple[str, ...]:
    """Return the kinds of keys that are known for a name: these are to be asked for."""
    return tuple(dict.fromkeys(line.kind for line in _lines(name) if not line.marker))


def judge(key: HostKey, *, host: str) -> None:
    """Return when the key is known; raise UnknownKey or ChangedKey otherwise."""
    lines = tuple(_lines(key.name))
    for line in lines:
        if line.marker == "@revoked" and line.base64 == key.base64:
            raise revoked_key(key, line.path)
    plain = [line for line in lines if not line.marker]
    if any((line.kind, line.base64) == (key.kind, key.base64) for line in plain):
        return
    if plain:
        raise changed_key(key, [(_fingerprint(line), line.path) for line in plain])
    authority = any(line.marker == "@cert-authority" for line in lines)
    raise unknown_key(key, host=host, has_authority=authority)


def remember(key: HostKey) -> Path:
    """Write a key into envkit's own file and return that file."""
    path = own_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as file:
            file.write(f"{key.name} {key.kind} {key.base64}\n")  # one write: two at once stay two lines
    except OSError as error:
        raise HostError(
            f"{path} cannot be written: {error.strerror}", fix="set XDG_CONFIG_HOME to a folder of yours"
        ) from error
    return path


def _lines(name: str) -> Iterator[_Line]:
    """Yield the lines about a name, of all files."""
    for path in (*user_files(), *_SYSTEM):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # not there, or not ours to read: ssh goes on as well
        for raw in text.splitlines():
            line = _parsed(raw, path)
            if line and _is_about(line.names, name):
                yield line


def _parsed(raw: str, path: Path) -> _Line | None:
    words = raw.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#"):
        return None
    return _Line(marker=marker, names=words[0], kind=words[1], base64=words[2], path=path)


def _is_about(names: str, name: str) -> bool:
    """Tell whether a list of names, patterns and hashes means a name; `!` excludes it."""
    found = False
    for pattern in names.split(","):
        if pattern.startswith("|1|"):
            found = found or _is_hash_of(pattern, name)
        elif pattern.startswith("!"):
            if _fits(pattern[1:], name):
                return False
        else:
            found = found or _fits(pattern, name)
    return found


def _fits(pattern: str, name: str) -> bool:
    # Brackets are part of a name with a port; only * and ? are special.
    return fnmatch.fnmatchcase(name, pattern.lower().replace("[", "[[]"))


def _is_hash_of(pattern: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in pattern[3:].split("|"))
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def _fingerprint(line: _Line) -> str:
    try:
        return f"{line.kind} {host_key('', line.kind, base64.b64decode(line.base64)).fingerprint}"
    except binascii.Error:
        return f"{line.kind} (not readable)"
