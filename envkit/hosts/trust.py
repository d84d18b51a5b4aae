"""Keys on the way to a host that nobody has vouched for."""

from __future__ import annotations

from envkit.hosts.failures import HostKey, LoginRefused, UnknownKey
from envkit.hosts.ssh import SshHost


def unknown_key(host: SshHost) -> HostKey | None:
    """Return the first key on the way that is not known; None when there is none."""
    try:
        host.connected()
    except UnknownKey as error:
        return error.key
    except LoginRefused:
        return None  # the key was known: it is judged first
    return None
