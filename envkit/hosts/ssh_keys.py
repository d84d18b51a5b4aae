"""Log in to an SSH server with the user's keys: those of the agent, then those in files. Never a password."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.pkey import UnknownKeyType

from envkit.hosts.failures import Dropped, LoginRefused
from envkit.hosts.ssh_route import Hop

_NO_KEY = (paramiko.SSHException, UnknownKeyType, UnsupportedAlgorithm, ValueError, OSError)


def log_in(transport: paramiko.Transport, hop: Hop) -> str:
    """Log in and return with which key; LoginRefused says what was tried."""
    locked = [path for path in hop.identities if _is_locked(path)]
    tried: list[str] = []
    agent = paramiko.Agent() if hop.agent else None
    try:
        for name, key in _offered(hop, agent):
            tried.append(name)
            try:
                transport.auth_publickey(hop.user, key)
            except paramiko.BadAuthenticationType as error:
                raise _keys_are_not_enough(hop, error.allowed_types) from error
            except paramiko.AuthenticationException:
                if not transport.is_active():
                    break  # the server has had enough (MaxAuthTries)
                continue
            except (paramiko.SSHException, EOFError, OSError) as error:
                raise Dropped(
                    f"{hop} ended the connection during the login", fix="run the command again"
                ) from error
            if transport.is_authenticated():
                return name
    finally:
        if agent:
            agent.close()
    raise _refused(hop, tried, locked, transport)


def _offered(hop: Hop, agent: paramiko.Agent | None) -> Iterator[tuple[str, paramiko.PKey]]:
    """Yield the keys in OpenSSH's order: of the agent those that are named, then its others, then files."""
    named = {_public(path) for path in hop.identities}
    held = list(agent.get_keys()) if agent else []
    ours = [key for key in held if key.asbytes() in named]
    others = [] if hop.identities_only else [key for key in held if key.asbytes() not in named]
    for key in (*ours, *others):
        yield f"the agent's key {key.comment or key.get_name()}", key
    offered = {key.asbytes() for key in ours}
    for path in hop.identities:
        if (loaded := _loaded(path)) and loaded.asbytes() not in offered:
            yield str(path), loaded


def _loaded(path: Path) -> paramiko.PKey | None:
    """Return a key file's key; None when it has a passphrase or is no key."""
    with suppress(_Locked, *_NO_KEY):
        return _load(path)
    return None


def _is_locked(path: Path) -> bool:
    """Tell whether a key file has a passphrase."""
    try:
        _load(path)
    except _Locked:
        return True
    except _NO_KEY:
        return False
    return False


class _Locked(Exception):
    """The key has a passphrase."""


def _load(path: Path) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(path)
    except (paramiko.PasswordRequiredException, TypeError) as error:
        raise _Locked from error
    except ValueError as error:  # cryptography's, for OpenSSH's own format
        if "password" in str(error).lower():
            raise _Locked from error
        raise


def _public(path: Path) -> bytes:
    """Return the public part of a key file, for which no passphrase is needed."""
    with suppress(OSError, IndexError, binascii.Error, ValueError):
        return base64.b64decode(Path(f"{path}.pub").read_text(encoding="ascii").split()[1])
    loaded = _loaded(path)
    return loaded.asbytes() if loaded else b""


def _keys_are_not_enough(hop: Hop, allowed: list[str]) -> LoginRefused:
    return LoginRefused(
        f"{hop} takes no keys, only: {', '.join(allowed)}",
        fix="envkit logs in with keys: `ssh-copy-id` puts yours there, where the server allows them",
    )


def _refused(hop: Hop, tried: list[str], locked: list[Path], transport: paramiko.Transport) -> LoginRefused:
    if not tried and not locked:
        return LoginRefused(
            f"there is no key to log in to {hop} with: none in ~/.ssh, none in an agent",
            fix="`ssh-keygen -t ed25519` makes one, and `ssh-copy-id` puts it there",
        )
    what = f"{hop} refused the login" + (f"; tried: {', '.join(tried)}" if tried else "")
    if locked:
        names = ", ".join(map(str, locked))
        return LoginRefused(
            f"{what}; {names} has a passphrase and is in no agent", fix=f"ssh-add {locked[0]}"
        )
    if not transport.is_active():
        return LoginRefused(
            f"{what}; then it had enough", fix="name the right key: IdentityFile and IdentitiesOnly yes"
        )
    return LoginRefused(
        what, fix=f"is {hop.user!r} the right user? then: ssh-copy-id -p {hop.port} {hop.user}@{hop.host}"
    )
