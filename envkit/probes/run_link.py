"""The line between a run's nodes: each supervisor keeps one connection to node 0's until the run has ended.

All begin together, all end when one fails or is lost, and node 0 says how the run ended. A line is JSON.
Who joins proves that it has the run's token, and so does node 0; neither sends it.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import socket
import threading
import time
from typing import Any, Dict, List, Optional

Facts = Dict[str, Any]

JOIN_S = 180.0  # for every node's container to start and its token to come
AGAIN_S = 900.0  # for a machine that was lost: a server with many disks needs minutes to start
BEATS = 6  # missed ones make a node lost; a container that is killed closes its connection at once
HELLO_S = 10.0
_PAUSE_S = 0.2
_LINE = 1 << 22  # an end has the last words of each rank


class LinkError(Exception):
    """Somebody who is not of this run."""


class Peer:
    """One connection."""

    def __init__(self, line: socket.socket) -> None:
        line.settimeout(HELLO_S)
        self._line, self._file = line, line.makefile("rb")
        self._lock = threading.Lock()

    def send(self, what: Facts) -> None:
        """Send a line; a broken connection is noticed by whoever reads."""
        with self._lock, contextlib.suppress(OSError):
            self._line.sendall(json.dumps(what).encode() + b"\n")

    def receive(self) -> Facts:
        """Return the next line; OSError when none comes any more."""
        text = self._file.readline(_LINE)
        if not text.endswith(b"\n"):
            raise ConnectionError("its connection ended")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise LinkError("not ours")
        return found

    def joined(self, silence_s: float) -> None:
        """Wait as long for each line as a node may be silent."""
        self._line.settimeout(silence_s)

    def close(self) -> None:
        """Let it go."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._file.close()
        self._line.close()


def proof(token: bytes, *words: object) -> str:
    """Return what only who has the token can say."""
    return hmac.new(token, "|".join(map(str, words)).encode(), "sha256").hexdigest()


def admit(peer: Peer, token: bytes) -> int:
    """Let a node in that has the token, and show that we have it; return its rank."""
    ours = secrets.token_hex(16)
    peer.send({"nonce": ours})
    hello = peer.receive()
    rank, theirs = int(hello["rank"]), str(hello["nonce"])
    if not hmac.compare_digest(proof(token, "node", rank, ours, theirs), str(hello["proof"])):
        raise LinkError("it has not this run's token")
    peer.send({"proof": proof(token, "main", rank, ours, theirs)})
    return rank


def introduce(peer: Peer, token: bytes, rank: int) -> None:
    """Join as a node; LinkError when the other side has not the token."""
    theirs, ours = str(peer.receive()["nonce"]), secrets.token_hex(16)
    peer.send({"rank": rank, "nonce": ours, "proof": proof(token, "node", rank, theirs, ours)})
    if not hmac.compare_digest(proof(token, "main", rank, theirs, ours), str(peer.receive().get("proof"))):
        raise LinkError("it has not this run's token")


class Link:
    """This node's part of it. Threads receive; the supervisor looks when it likes."""

    def __init__(self, node: Facts, join_s: float = JOIN_S) -> None:
        self.rank, self.names = int(node["rank"]), list(node["names"])
        self._join_s, self._silence_s = join_s, float(node.get("silence_s", 30.0))
        self._node, self._lock = node, threading.Lock()
        self._peers: Dict[int, Peer] = {}
        self._orders: List[Facts] = []
        self.ends: Dict[int, Facts] = {}
        self.lost: Dict[int, str] = {}
        self.verdict: Optional[Facts] = None
        self._is_complete, self._is_over = False, False
        self._door: Optional[socket.socket] = None
        self._no_door = ""
        self._until = time.monotonic() + join_s

    @property
    def name(self) -> str:
        """Return this node's name."""
        return str(self.names[self.rank])

    def start(self) -> None:
        """Begin to look for the others."""
        for work in (self._gather if self.rank == 0 else self._join, self._beat):
            threading.Thread(target=work, daemon=True).start()

    def is_complete(self) -> bool:
        """Tell whether all are there."""
        return self._is_complete

    def missing(self) -> str:
        """Say who has not come although its time is over; empty while there is time."""
        if time.monotonic() < self._until:
            return ""
        if self._token() is None:
            return f"nobody brought the token of the nodes' line within {self._join_s:.0f} s"
        if self._no_door:
            return self._no_door
        if self.rank:
            return (
                f"node 0 ({self.names[0]}) was not reached at {self._node['address']} in {self._join_s:.0f} s"
            )
        absent = [name for rank, name in enumerate(self.names) if rank and rank not in self._peers]
        return f"{', '.join(absent)} did not come within {self._join_s:.0f} s"

    def order(self) -> Optional[Facts]:
        """Return what another node asks for; None: nothing more."""
        with self._lock:
            return self._orders.pop(0) if self._orders else None

    def tell(self, what: Facts, but: int = -1) -> None:
        """Send to every node that we are connected with."""
        for rank, peer in list(self._peers.items()):
            if rank != but:
                peer.send(what)

    def close(self) -> None:
        """End it: what was sent is read first, since closing on unread lines would throw it away."""
        until = time.monotonic() + HELLO_S
        while self.rank == 0 and self._peers and time.monotonic() < until:
            time.sleep(0.05)
        self._is_over = True
        self._close_door()
        for peer in list(self._peers.values()):
            peer.close()

    def _token(self) -> Optional[bytes]:
        """Return what was brought, if it was: it is in memory, and gone when the container starts again."""
        with contextlib.suppress(OSError), open(self._node["token_file"], "rb") as file:
            token: bytes = file.read()
            return token
        return None

    def _gather(self) -> None:
        while not self._is_over and time.monotonic() < self._until:
            try:
                door = self._open_door()
            except OSError as error:  # somebody has the port: they may let it go
                self._no_door = f"node 0 ({self.names[0]}) cannot listen at its port: {error}"
                time.sleep(_PAUSE_S)
                continue
            self._no_door = ""
            with door:
                self._wait_at(door)
            return

    def _open_door(self) -> socket.socket:
        door = socket.socket()
        try:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(("", self._node["link_port"]))  # as torch's own store: the address may be a router's
            door.listen(64)
        except OSError:
            door.close()
            raise
        self._door = door
        return door

    def _wait_at(self, door: socket.socket) -> None:
        door.settimeout(1.0)
        while not self._is_complete and not self._is_over and time.monotonic() < self._until:
            try:
                line, _ = door.accept()
            except OSError as error:
                if isinstance(error, socket.timeout):
                    continue
                return  # it was closed
            threading.Thread(target=self._welcome, args=(line,), daemon=True).start()

    def _close_door(self) -> None:
        """Let nobody in any more: the next attempt listens at the same port, and at once."""
        if self._door is not None:
            with contextlib.suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)  # wakes who waits at it, which `close` does not

    def _welcome(self, line: socket.socket) -> None:
        peer, token = Peer(line), self._token()
        if token is None:
            peer.close()
            return
        try:
            rank = admit(peer, token)
        except (OSError, LinkError, ValueError, KeyError):
            peer.close()
            return
        with self._lock:
            # Who was lost and comes again is of the next attempt.
            if self._is_complete or not 0 < rank < len(self.names) or rank in self._peers:
                peer.close()
                return
            self._peers[rank] = peer
            self._is_complete = len(self._peers) == len(self.names) - 1
        if self._is_complete:
            self._close_door()
            self.tell({"go": True})
        self._listen(rank, peer)

    def _join(self) -> None:
        while time.monotonic() < self._until:
            token = self._token()
            if token is None:
                time.sleep(_PAUSE_S)
                continue
            try:
                line = socket.create_connection((self._node["address"], self._node["link_port"]), HELLO_S)
                peer = Peer(line)
                introduce(peer, token, self.rank)
            except (OSError, LinkError, ValueError, KeyError):
                time.sleep(_PAUSE_S)
                continue
            self._peers[0] = peer
            self._listen(0, peer)
            if self._is_complete or self._is_over:
                return

    def _beat(self) -> None:
        while not self._is_over:
            self.tell({})
            time.sleep(self._silence_s / BEATS)

    def _listen(self, rank: int, peer: Peer) -> None:
        peer.joined(self._silence_s)
        try:
            while True:
                self._hear(rank, peer.receive())
        except (OSError, LinkError, ValueError) as error:
            self._peers.pop(rank, None)
            peer.close()
            if self._is_over or self.verdict is not None or rank in self.ends or not self._is_complete:
                return  # before all are there nothing has begun: it may come again
            silent = isinstance(error, socket.timeout)
            why = f"not heard of for {self._silence_s:.0f} s" if silent else "its connection ended"
            self.lost[rank] = f"node {rank} ({self.names[rank]}) was lost: {why}"
            self._pass_on({"by": "node", "now": False}, rank)

    def _pass_on(self, order: Facts, but: int) -> None:
        with self._lock:
            self._orders.append(order)
        if self.rank == 0:
            self.tell({"order": order}, but)

    def _hear(self, rank: int, said: Facts) -> None:
        if "go" in said:
            self._is_complete = True
        if "order" in said:
            self._pass_on(said["order"], rank)
        if "verdict" in said:
            self.verdict = said["verdict"]
        if "end" in said:
            end = said["end"]
            end["late"] = time.time() - float(said["now"])  # its clock and ours
            self.ends[rank] = end
            if end["state"] != "finished":
                self._pass_on({"by": "node", "now": False}, rank)
