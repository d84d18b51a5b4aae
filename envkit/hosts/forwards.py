"""What a host forwards: private sockets here, and ports of loopback, that lead to its addresses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from envkit.errors import HostError
from envkit.hosts import openssh
from envkit.hosts.openssh import PrivateFolder
from envkit.hosts.registry import Transport
from envkit.hosts.relay import Relay
from envkit.hosts.ssh_connection import Connection
from envkit.hosts.ssh_target import Target
from envkit.hosts.tunnel import ChannelTunnel, OpenSshTunnel, Tunnel


class Forwards:
    """The forwards of one host; each is made once."""

    def __init__(
        self, target: Target, transport: Transport, folder: PrivateFolder, connected: Callable[[], Connection]
    ) -> None:
        self._target, self._transport, self._folder, self._connected = target, transport, folder, connected
        self._sockets: dict[str, Path] = {}
        self._tunnels: dict[str, Tunnel] = {}
        self._relays: list[Relay] = []
        self._lock = threading.Lock()

    def socket_to(self, address: str) -> Path:
        """Return a socket here that leads to the address."""
        tunnel = self.tunnel_to(address)
        with self._lock:
            if address not in self._sockets:
                path = self._folder.path / f"{len(self._sockets)}.sock"
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(str(path))
                self._relays.append(Relay(listener, tunnel.dial))
                self._sockets[address] = path
            return self._sockets[address]

    def listen(self, listener: socket.socket, address: str) -> Tunnel:
        """Hand on what connects to a listener of the caller's; return the way, to be watched."""
        tunnel = self.tunnel_to(address)
        with self._lock:
            self._relays.append(Relay(listener, tunnel.dial))
        return tunnel

    def tunnel_to(self, address: str) -> Tunnel:
        """Return the way to an address; it is open when this returns."""
        with self._lock:
            if address not in self._tunnels:
                self._tunnels[address] = self._open(address, len(self._tunnels))
            return self._tunnels[address]

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            for relay in self._relays:
                relay.close()
            for tunnel in self._tunnels.values():
                tunnel.close()
            self._relays, self._tunnels, self._sockets = [], {}, {}

    def _open(self, address: str, number: int) -> Tunnel:
        if self._transport == "openssh" or (self._transport == "auto" and openssh.is_present()):
            listen = self._folder.path / f"ssh{number}.sock"
            config = openssh.configured(self._folder)
            tunnel = OpenSshTunnel(openssh.forward_words(config, self._target, listen, address), listen)
            try:
                tunnel.dial().close()
            except HostError:
                tunnel.close()
                if self._transport == "openssh":
                    raise
            else:
                return tunnel
        return ChannelTunnel(self._connected, address)
