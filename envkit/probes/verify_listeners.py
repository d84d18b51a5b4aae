"""Find everything in this container that listens, and knock at each without a login."""

from __future__ import annotations

import socket
from pathlib import Path

LISTENING_TCP = "0A"  # Linux, include/net/tcp_states.h: TCP_LISTEN
ACCEPTS = 0x10000  # Linux, include/uapi/linux/net.h: __SO_ACCEPTCON
QUESTION = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def own_addresses() -> tuple[str, ...]:
    """Return this container's addresses: loopback, and the one that the world reaches it by."""
    found = {"127.0.0.1": None}
    try:
        for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET, socket.SOCK_STREAM):
            found[str(entry[4][0])] = None
    except OSError:
        pass  # a container without a network has loopback only
    return tuple(found)


def tcp_listeners() -> list[tuple[str, int]]:
    """Return (address, port) of every listening TCP socket of this network namespace."""
    found = set()
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        path = Path("/proc/net") / name
        if not path.is_file():
            continue
        for line in path.read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENING_TCP:
                address, _, port = words[1].partition(":")
                found.add((spell(address, family), int(port, 16)))
    return sorted(found)


def spell(address: str, family: int) -> str:
    """Turn the kernel's hexadecimal address into the usual spelling."""
    raw = bytes.fromhex(address)
    words = [raw[i : i + 4][::-1] for i in range(0, len(raw), 4)]  # each word is in the host's order
    return socket.inet_ntop(family, b"".join(words))


def unix_listeners() -> list[str]:
    """Return the path of every listening unix socket that has one."""
    found = set()
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split(maxsplit=7)
        if len(words) == 8 and int(words[3], 16) & ACCEPTS and words[7].startswith("/"):
            found.add(words[7])
    return sorted(found)


def first_words(family: int, where: object) -> dict[str, object]:
    """Send an HTTP question; return the first bytes of the answer, whatever language it is in."""
    with socket.socket(family, socket.SOCK_STREAM) as stream:
        stream.settimeout(3)
        try:
            stream.connect(where)  # type: ignore[arg-type]  # a path or a pair, as the family wants it
            stream.sendall(QUESTION)
            said = stream.recv(400)
        except OSError as error:
            return {"said": "", "error": str(error)}
    return {"said": said.decode("latin-1"), "error": ""}


def open_to_others(path: Path) -> bool:
    """Tell whether another uid (every uid of an image is in group 0) could connect to a unix socket."""
    try:
        if not path.stat().st_mode & 0o022:  # connecting needs the right to write
            return False
        return all(parent.stat().st_mode & 0o011 for parent in path.parents)
    except OSError:
        return False


def knock_everywhere(doors: tuple[int, ...], addresses: tuple[str, ...]) -> dict[str, object]:
    """Knock at every listener but the known doors, which have tests of their own."""
    tcp = []
    for address, port in tcp_listeners():
        if port in doors:
            continue
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        anywhere = address in ("0.0.0.0", "::")
        for reached in [a for a in addresses if family == socket.AF_INET] if anywhere else [address]:
            tcp.append({"where": f"{reached}:{port}", **first_words(family, (reached, port))})
        if anywhere and family == socket.AF_INET6:
            tcp.append({"where": f"[::1]:{port}", **first_words(family, ("::1", port))})
    sockets = []
    for path in unix_listeners():
        # One that only its owner can open needs no login: the file's mode is the door.
        others = open_to_others(Path(path))
        words = first_words(socket.AF_UNIX, path) if others else {"said": "", "error": ""}
        sockets.append({"where": path, "open": others, **words})
    return {"tcp": tcp, "unix": sockets}
