"""The one door of an environment, as a browser meets it: what it answers, with and without the token."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urljoin, urlsplit

from envkit.errors import HostError

_TIMEOUT_S = 30.0  # the first page of code-server loads its whole workbench: seconds on a busy machine
_MOST_REDIRECTS = 5


@dataclass(frozen=True, kw_only=True)
class Tls:
    """A door beyond loopback: where it is, and the very certificate that it must show."""

    address: str
    certificate: str  # PEM


class Ask(Protocol):
    """Asks a path at a port of this machine; by TLS where the door is beyond loopback."""

    def __call__(self, port: int, path: str, token: str | None, tls: Tls | None = None) -> int | None:
        """Return the status of the last answer, redirects followed but to the login; None: nobody answers."""


@dataclass(frozen=True, kw_only=True)
class Urls:
    """Where a browser goes; with the token, each logs in."""

    jupyterlab: str | None = field(default=None, repr=False)
    vscode: str | None = field(default=None, repr=False)
    tensorboard: str | None = field(default=None, repr=False)
    own_door: str | None = None


def ask(port: int, path: str, token: str | None, tls: Tls | None = None) -> int | None:
    """GET a path through the published port."""
    return _ask(lambda: _connection(port, tls), path, token)


def ask_through(socket_to: Callable[[str], Path]) -> Ask:
    """Return what asks at ports of another machine, each through a socket of this one that leads there."""

    def asking(port: int, path: str, token: str | None, tls: Tls | None = None) -> int | None:
        with suppress(HostError, OSError):
            leads_there = socket_to(f"{tls.address if tls else '127.0.0.1'}:{port}")
            return _ask(lambda: _through_socket(leads_there, port, tls), path, token)
        return None

    return asking


def _through_socket(leads_there: Path, port: int, tls: Tls | None) -> http.client.HTTPConnection:
    """Return a connection that goes through a unix socket, and speaks as to the port behind it."""
    connection = _connection(port, tls)
    raw = socket.socket(socket.AF_UNIX)
    try:
        raw.settimeout(_TIMEOUT_S)
        raw.connect(str(leads_there))
        connection.sock = _context(tls).wrap_socket(raw) if tls else raw
    except BaseException:
        raw.close()
        raise
    return connection


def _ask(connect: Callable[[], http.client.HTTPConnection], path: str, token: str | None) -> int | None:
    headers = {"Authorization": f"token {token}"} if token else {}
    for _ in range(_MOST_REDIRECTS):
        connection = connect()
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        target = urlsplit(urljoin(path, answer.headers.get("Location", "")))
        if answer.status not in (301, 302, 303, 307, 308) or target.path.endswith("/login"):
            return answer.status
        path = target.path + (f"?{target.query}" if target.query else "")
    return None


def through(asking: Ask, tls: Tls | None) -> Ask:
    """Return the same, by TLS where there is some."""

    def by_tls(port: int, path: str, token: str | None, tls: Tls | None = tls) -> int | None:
        return asking(port, path, token, tls)

    return by_tls if tls else asking


def _connection(port: int, tls: Tls | None) -> http.client.HTTPConnection:
    if tls is None:
        return http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    return http.client.HTTPSConnection(tls.address, port, timeout=_TIMEOUT_S, context=_context(tls))


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # this very certificate is asked for, whatever its names
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    end = "-----END CERTIFICATE-----\n"
    context.load_verify_locations(cadata=tls.certificate.partition(end.strip())[0] + end)
    return context


def refuses(asking: Ask, port: int, base: str) -> bool:
    """Tell whether the door is there and stays shut without the token."""
    return asking(port, f"{base}/api/status", None) == 403


def opens(asking: Ask, port: int, base: str, token: str) -> bool:
    """Tell whether the token opens Jupyter's interface and JupyterLab's page."""
    return asking(port, f"{base}/api/status", token) == 200 and asking(port, f"{base}/lab", token) == 200


def shows_vscode(asking: Ask, port: int, base: str, token: str) -> bool:
    """Tell whether VS Code's page comes through the door."""
    return asking(port, f"{base}/vscode/", token) == 200


def asks_password(asking: Ask, port: int) -> bool:
    """Tell whether code-server's own door is there and asks for its password."""
    return asking(port, "/", None) == 302 and asking(port, "/login", None) == 200


def urls(origin: str, base: str, token: str | None, services: tuple[str, ...], own_door: str | None) -> Urls:
    """Return the URLs of the services; with the token each logs in, and the login holds for all."""

    def behind(path: str) -> str:
        return behind_login(origin, base, path, token)

    return Urls(
        jupyterlab=behind("lab") if "jupyterlab" in services else None,
        vscode=behind("vscode/") if "code-server" in services else None,
        tensorboard=behind("tensorboard/") if "tensorboard" in services else None,
        own_door=own_door,
    )


def behind_login(origin: str, base: str, path: str, token: str | None) -> str:
    """Return the URL of a page; with the token it goes by the login, and arrives there."""
    if token is None:
        return f"{origin}{base}/{path}"
    # `<path>?token=` would log in too, but hand the token on to the service behind the proxy.
    return f"{origin}{base}/login?next={quote(f'{base}/{path}', safe='')}&token={quote(token)}"
