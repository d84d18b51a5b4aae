"""A container becomes an image, once: what was asked for twice, or lost its reply, is found by its label."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from docker.errors import NotFound

from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.failures import LinkLost
from envkit.engines.values import SAVE
from envkit.errors import EngineError

# How long after a lost reply the engine may still be at it, by the container's state. It pauses one that runs
# (20 GB at 100 MB/s take 200 s; a restarted engine leaves one paused only with live-restore).
_AT_IT_S = {"paused": 900.0, "running": 5.0}
_AWAY_S = 60.0  # while it is silent, or the container stopped: an engine that restarts is back before
_ASK_AGAIN_S = 1.0


def commit(api: Any, container: str, labels: Mapping[str, str]) -> str:
    """Make the image, or find it; return its id."""
    key = labels.get(SAVE, "")
    with spoken_as_ours(f"saving the container {container}"):
        if found := _made(api, key):
            return found
        config = dict(api.inspect_container(container)["Config"])
        config["Labels"] = {**(config.get("Labels") or {}), **labels}
    try:
        with spoken_as_ours(f"saving the container {container}"):
            # The SDK's own method gives up after its time-out, and the engine makes the image all the same.
            params = {"container": container, "pause": True}
            answer = api._post_json(api._url("/commit"), data=config, params=params, timeout=None)
            return str(api._result(answer, json=True)["Id"])
    except LinkLost as lost:
        if found := _found_late(api, container, key):
            return found
        raise LinkLost(
            f"{lost.what}; it made no image of {container}",
            fix="look whether the engine runs (`envkit engine status`), then run the command again",
        ) from lost


def _found_late(api: Any, container: str, key: str) -> str:
    """Return the image that came after its reply was lost; "" when the engine is not at it any more."""
    begin = time.monotonic()
    while key:
        waited = time.monotonic() - begin
        try:
            with spoken_as_ours("asking the engine what became of it"):
                state = _state(api, container)  # first: what is not paused any more has its image
                if found := _made(api, key):
                    return found
            if waited > _AT_IT_S.get(state, _AWAY_S):
                return ""
        except EngineError:
            if waited > _AWAY_S:
                return ""
        time.sleep(_ASK_AGAIN_S)
    return ""


def _state(api: Any, container: str) -> str:
    try:
        return str(api.inspect_container(container)["State"]["Status"])
    except NotFound:
        return ""


def _made(api: Any, key: str) -> str:
    rows = api.images(filters={"label": [f"{SAVE}={key}"]}, all=True) if key else []
    return str(rows[0]["Id"]) if rows else ""
