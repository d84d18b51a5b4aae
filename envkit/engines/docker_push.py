"""Send an image to its registry through the engine; the SDK's own push never raises (docker-py #1772)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from docker.errors import APIError

from envkit.engines.credentials import Login, Name
from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.failures import LinkLost
from envkit.engines.registry_failures import registry_failure, stalled
from envkit.engines.values import Published, Sent, SentState
from envkit.errors import EngineError

_CONNECT_S = 20.0
_STATES: dict[str, SentState] = {
    "Pushing": "sending",
    "Pushed": "sent",
    "Layer already exists": "there",
    "Preparing": "waiting",
    "Waiting": "waiting",
    "Retrying": "again",
    "Mounted": "there",
}


def push(api: Any, name: Name, login: Login | None, report: Callable[[Sent], None], silence_s: float) -> str:
    """Send it; return the digest of its manifest as the engine made it."""
    doing, digest = f"pushing {name.whole}", ""
    user = None if login is None else login.user
    try:
        with spoken_as_ours(doing):
            # The SDK's own method gives up after its time-out, and takes every login into memory.
            answer = api._post_json(
                api._url("/images/{0}/push", f"{name.registry}/{name.repository}"),
                None,
                headers={"X-Registry-Auth": login.header} if login else {},
                params={"tag": name.tag},
                stream=True,
                timeout=(_CONNECT_S, silence_s),
            )
            api._raise_for_status(answer)
            with answer:
                for event in api._stream_helper(answer, decode=True):
                    if error := event.get("error"):
                        raise registry_failure(doing, name, str(error), user=user)
                    digest = str((event.get("aux") or {}).get("Digest") or digest)
                    if sent := _sent(event):
                        report(sent)
    except LinkLost as error:
        raise (stalled(doing, silence_s) if error.what.endswith("in time") else error) from error
    if not digest:
        raise EngineError(f"{doing}: the engine named no manifest", fix="run it again")
    return digest


def published_by_engine(api: Any, name: Name, login: Login | None) -> Published | None:
    """Let the engine ask the registry, as it reaches and trusts it; None when that has nothing there."""
    url = api._url("/distribution/{0}/json", name.whole)
    headers = {"X-Registry-Auth": login.header} if login else {}
    doing = f"asking the registry for {name.whole}"
    with spoken_as_ours(doing):
        try:
            told = api._result(api._get(url, headers=headers), json=True)
        except APIError as error:
            text = str(error.explanation)
            if re.search("manifest unknown|name unknown|not found", text):
                return None
            raise registry_failure(doing, name, text, user=login.user if login else None) from error
    return Published(digest=str(told["Descriptor"]["digest"]))


def _sent(event: dict[str, Any]) -> Sent | None:
    status, layer = str(event.get("status") or ""), str(event.get("id") or "")
    state = _STATES.get(status) or _STATES.get(" ".join(status.split()[:1]))
    if not layer or state is None:
        return None
    detail = event.get("progressDetail") or {}
    return Sent(layer, state, int(detail.get("current") or 0), int(detail.get("total") or 0))
