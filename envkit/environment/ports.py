"""Ports of this machine for environments."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Collection, Iterator
from pathlib import Path

from envkit.errors import HostError
from envkit.hosts.base import Command, Host, Remote

# Below the ports that Kubernetes gives to services (30000) and that Linux gives to outgoing connections
# (32768, ip_local_port_range): a stopped environment's port is then rarely taken when it comes back.
_FIRST, _COUNT = 20_000, 10_000
_LOOPBACK = "127.0.0.1"
# A line of /proc/net/tcp (proc(5)): its number, the local address and port, the remote ones, 0A for LISTEN.
_LISTENING = re.compile(rb"^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A ", re.MULTILINE)
_LISTENER = re.compile(r'users:\(\("([^"]+)",pid=(\d+)')


def candidates(name: str) -> Iterator[int]:
    """Yield every port once, starting with the name's own: the same name gets the same URL again."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return (_FIRST + (start + step) % _COUNT for step in range(_COUNT))


def free_ports(name: str, avoid: Collection[int], count: int) -> tuple[int, ...]:
    """Return ports that nobody listens at now; another may take one before we do."""
    found: list[int] = []
    for port in candidates(name):
        if len(found) == count:
            break
        if port not in avoid and is_free(port):
            found.append(port)
    return tuple(found)


def taken_there(host: Host) -> frozenset[int]:
    """Return the ports where somebody listens on another machine; on this one each is tried instead."""
    if not isinstance(host, Remote):
        return frozenset()
    tables = (host.read(Path(f"/proc/net/{name}")) or b"" for name in ("tcp", "tcp6"))
    return frozenset(int(found, 16) for table in tables for found in _LISTENING.findall(table))


def is_free(port: int) -> bool:
    """Tell whether the port can be listened at."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that is still closing does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
        return True


def listener(host: Host, port: int) -> str | None:
    """Return who listens there, as `python3 (process 4711)`; None when the machine does not tell."""
    try:
        told = host.run(Command(words=("ss", "-Hltnp", f"sport = :{port}"), timeout_s=10)).stdout
    except HostError:
        return None
    found = _LISTENER.search(told)
    return f"{found[1]} (process {found[2]})" if found else None
