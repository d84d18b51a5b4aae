"""How a host over SSH fails, where it matters which way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envkit.errors import HostError


@dataclass(frozen=True, kw_only=True)
class HostKey:
    """A key that a machine showed: under which name, and the line for known_hosts."""

    name: str  # as known_hosts has it: `gpu1`, `[gpu1]:2222`
    kind: str  # ssh-ed25519, ...
    base64: str
    fingerprint: str  # SHA256:..., as ssh-keygen -l prints it


class Unreachable(HostError):
    """No SSH server answers: its name is unknown, or it refuses, or there is no way to it."""


class LoginRefused(HostError):
    """The SSH server does not let this user in."""


class UnknownKey(HostError):
    """The machine's key is not known: nobody has said yet that it is the right machine."""

    def __init__(self, what: str, *, fix: str, key: HostKey) -> None:
        super().__init__(what, fix=fix)
        self.key = key


class ChangedKey(HostError):
    """The machine shows another key than the known one, or a revoked one. Nothing goes on from here."""


class Dropped(HostError):
    """The connection ended in the middle."""


class NotForwarded(HostError):
    """The SSH server does not let a connection through to where it should go."""


def unknown_key(key: HostKey, *, host: str, has_authority: bool) -> UnknownKey:
    """Return the error for a key that nobody has vouched for."""
    more = "; a certificate authority is known for it, which envkit does not use" if has_authority else ""
    return UnknownKey(
        f"the host key of {key.name} is not known ({key.kind} {key.fingerprint}){more}",
        fix=f"compare the fingerprint with the machine's own, then: envkit host trust {host}",
        key=key,
    )


def changed_key(key: HostKey, known: list[tuple[str, Path]]) -> ChangedKey:
    """Return the error for a key that differs; `known` has fingerprints and the files they stand in."""
    lines = "".join(f"\n    known    {fingerprint}  ({path})" for fingerprint, path in known)
    return ChangedKey(
        f"the host key of {key.name} has CHANGED: somebody may be in between{lines}"
        f"\n    shown    {key.kind} {key.fingerprint}",
        fix="only if the machine was installed anew: "
        f"`ssh-keygen -R '{key.name}' -f {known[0][1]}`, and `envkit host trust` again",
    )


def revoked_key(key: HostKey, path: Path) -> ChangedKey:
    """Return the error for a key that must never be trusted again."""
    return ChangedKey(
        f"the host key of {key.name} ({key.fingerprint}) is marked @revoked in {path}",
        fix="ask whoever runs that machine; do not connect",
    )
