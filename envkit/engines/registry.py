"""Ask a registry itself what it holds under a name, over HTTP(S), trusting whom the engine trusts.

The OCI distribution protocol: a challenge of Basic or Bearer, then the manifest. Proxies are the engine's, a
CA of `certs.d` counts beside the system's; only what the engine calls insecure may be unverified.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import socket
import ssl
import warnings
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import parse_dict_header, should_bypass_proxies
from urllib3.exceptions import InsecureRequestWarning

from envkit.engines.credentials import Login, Name
from envkit.engines.registry_failures import registry_failure
from envkit.engines.trust import Trust
from envkit.engines.values import Published

TIMEOUT_S = (10.0, 60.0)
_MOST_BYTES = 4 << 20  # the distribution's own limit for a manifest
_KINDS = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)


def published(name: Name, login: Login | None, trust: Trust) -> Published | None:
    """Return what the registry holds under that name; None when it has nothing there."""
    doing, user = f"asking the registry for {name.whole}", None if login is None else login.user
    insecure = is_insecure(name.registry, trust)
    schemes = ("https", "http") if insecure else ("https",)
    for scheme in schemes:
        with session_for(name, trust, insecure=insecure) as session:
            url = f"{scheme}://{name.registry}/v2/{name.repository}/manifests/{name.tag}"
            try:
                answer = asked(session, "GET", url, login)
                body = answer.content[: _MOST_BYTES + 1]
            except requests.RequestException as error:
                if scheme != schemes[-1]:
                    continue
                raise registry_failure(doing, name, str(error), user=user) from error
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            text = f"{answer.status_code} {answer.reason} {body[:500].decode('utf-8', 'replace')}"
            raise registry_failure(doing, name, text.strip(), user=user)
        return read(body)
    return None


def asked(session: requests.Session, method: str, url: str, login: Login | None) -> requests.Response:
    """Ask, and once more with what the registry's challenge demands; the session keeps that."""
    answer = session.request(method, url, headers={"Accept": _KINDS}, timeout=TIMEOUT_S)
    challenge = answer.headers.get("WWW-Authenticate", "")
    kind, _, rest = challenge.partition(" ")
    if answer.status_code != 401:
        return answer
    if kind.lower() == "basic" and login:
        session.auth = (login.user, login.password)
    elif kind.lower() == "bearer":
        session.headers["Authorization"] = f"Bearer {_token(session, url, rest, login)}"
    else:
        return answer
    return session.request(method, url, headers={"Accept": _KINDS}, timeout=TIMEOUT_S)


def _token(session: requests.Session, url: str, challenge: str, login: Login | None) -> str:
    """Fetch a token from where the registry says, never with a password over a worse link than its own."""
    asked: dict[str, str] = parse_dict_header(challenge)  # type: ignore[no-untyped-call]
    realm = str(asked.pop("realm", ""))
    if not realm.startswith("https://") and not url.startswith("http://"):
        raise requests.RequestException(f"401 unauthorized: its login page {realm!r} is not https")
    told: dict[str, str] = {key: asked[key] for key in ("service", "scope") if key in asked}
    if login and login.token:
        form = {**told, "grant_type": "refresh_token", "refresh_token": login.token, "client_id": "envkit"}
        answer = session.post(realm, data=form, timeout=TIMEOUT_S)
    else:
        who = (login.user, login.password) if login else None
        answer = session.get(realm, params=told, auth=who, timeout=TIMEOUT_S)
    if answer.status_code != 200:
        raise requests.RequestException(f"{answer.status_code} {answer.reason}: no token")
    try:
        given = answer.json()
        return str(given.get("token") or given["access_token"])
    except (ValueError, KeyError) as error:
        raise requests.RequestException("401 unauthorized: its token is none") from error


class _Trusting(HTTPAdapter):
    """Verifies by a context of our own."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        return super().proxy_manager_for(proxy, **named, ssl_context=self._context)

    def send(self, request: requests.PreparedRequest, *given: Any, **named: Any) -> requests.Response:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InsecureRequestWarning)
            return super().send(request, *given, **named)


def session_for(name: Name, trust: Trust, *, insecure: bool) -> requests.Session:
    """Return a session that goes the engine's way to a registry, and trusts whom it trusts."""
    session = requests.Session()
    session.trust_env = False  # neither ~/.netrc nor the shell's proxy: the engine has its own
    session.verify = not insecure
    if not should_bypass_proxies(f"https://{name.registry}/", trust.no_proxy):
        session.proxies = dict(trust.proxies)
    session.mount("https://", _Trusting(_context(name.registry, trust, insecure=insecure)))
    return session


def _context(registry: str, trust: Trust, *, insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for parent in trust.certificates:
        folder = parent.expanduser() / registry
        for path in sorted(folder.glob("*.crt")):
            context.load_verify_locations(path)
        for path in sorted(folder.glob("*.cert")):
            context.load_cert_chain(path, path.with_suffix(".key"))
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def is_insecure(registry: str, trust: Trust) -> bool:
    host = re.sub(r":[0-9]+\Z", "", registry).strip("[]")
    if registry in trust.insecure:
        return True
    networks = [ipaddress.ip_network(text, strict=False) for text in trust.insecure if "/" in text]
    return any(address in network for address in _addresses(host) for network in networks)


def _addresses(host: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]:
    """Return where a name leads: the engine looks it up, too."""
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found)


def read(body: bytes) -> Published:
    digest = "sha256:" + hashlib.sha256(body).hexdigest()  # of the bytes, whatever its header says
    try:
        told = json.loads(body)
        rows = told.get("layers") or ()
        return Published(
            digest=digest,
            config=str((told.get("config") or {}).get("digest") or ""),
            layers=tuple((str(one["digest"]), int(one["size"])) for one in rows),
            has_zstd=any(str(one.get("mediaType") or "").endswith("zstd") for one in rows),
        )
    except (ValueError, KeyError, AttributeError, TypeError):
        return Published(digest=digest)
