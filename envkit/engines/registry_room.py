"""Whether a registry has room: an upload of next to nothing is begun and taken back.

An engine that sends a layer is told of a full disk as it is of any fault, tries five times, and keeps for
itself what the registry said.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

import requests

from envkit.engines.credentials import Login, Name
from envkit.engines.failures import RegistryFailed
from envkit.engines.registry import TIMEOUT_S, asked, is_insecure, session_for
from envkit.engines.registry_failures import registry_failure
from envkit.engines.trust import Trust

_BYTES = bytes(1 << 16)
# ENOSPC as Docker's own registry writes it (tried: 2.8.2), with its driver's error or without.
_FULL = r'"Err":\s*28\b|no space left on device'


def no_room(name: Name, login: Login | None, trust: Trust) -> RegistryFailed | None:
    """Return that it is full, or that a quota is used up; None when it is not, or does not say so."""
    insecure = is_insecure(name.registry, trust)
    for scheme in ("https", "http") if insecure else ("https",):
        with session_for(name, trust, insecure=insecure) as session:
            url = f"{scheme}://{name.registry}/v2/{name.repository}/blobs/uploads/"
            try:
                return _meaning(name, login, _tried(session, url, login))
            except requests.RequestException:
                continue  # what keeps this machine from asking is not what keeps the engine from sending
    return None


def _tried(session: requests.Session, url: str, login: Login | None) -> requests.Response:
    """Begin an upload, send a little, take it back; return the first refusal, else the last answer."""
    begun = asked(session, "POST", url, login)
    place = begun.headers.get("Location")
    if begun.status_code != 202 or not place:
        return begun
    place = urljoin(url, place)
    sent = session.patch(
        place, data=_BYTES, headers={"Content-Type": "application/octet-stream"}, timeout=TIMEOUT_S
    )
    session.delete(urljoin(url, sent.headers.get("Location") or place), timeout=TIMEOUT_S)
    return sent


def _meaning(name: Name, login: Login | None, answer: requests.Response) -> RegistryFailed | None:
    if answer.status_code < 400:
        return None
    doing, said = f"pushing {name.whole}", answer.text[:500]
    if re.search(_FULL, said):
        return RegistryFailed(
            f"{doing}: the registry's disk is full",
            fix="ask its owner to make room, then run it again: what has arrived is kept",
            kind="full",
            again=False,
        )
    text = f"{answer.status_code} {answer.reason} {said}".strip()
    found = registry_failure(doing, name, text, user=login.user if login else None)
    return found if found.kind == "quota" else None
