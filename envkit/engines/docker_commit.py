"""A container becomes an image, once: what was asked for twice, or lost its reply, is found by its label."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

from docker.errors import NotFound

from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.failures import LinkLost
from envkit.engines.values import SAVE, short_id
from envkit.errors import EngineError

# How long after a lost reply the engine may still be at it, by the container's state. It pauses one that runs
# (20 GB at 100 MB/s take 200 s; a restarted engine leaves one paused only with live-restore).
_AT_IT_S = {"paused": 900.0, "running": 5.0}
_AWAY_S = 60.0  # while it is silent, or the container stopped: an engine that restarts is back before
_ASK_AGAIN_S = 1.0
# An answer can be lost without a word (a link that forgets a silent connection). So many patiences long a
# running container is neither paused nor made into an image: then the engine has not heard, or has done.
_PATIENCES = 5


def commit(api: Any, container: str, labels: Mapping[str, str]) -> str:
    """Make the image, or find it; return its id."""
    key = labels.get(SAVE, "")
    with spoken_as_ours(f"saving the container {short_id(container)}"):
        if found := _made(api, key):
            return found
        about = api.inspect_container(container)
        config, was = dict(about["Config"]), str(about["State"]["Status"])
        config["Labels"] = {**(config.get("Labels") or {}), **labels}
    try:
        with spoken_as_ours(f"saving the container {short_id(container)}"):
            return _asked(api, container, config, key)
    except LinkLost as lost:
        if found := _found_late(api, container, key, was):
            return found
        raise LinkLost(
            f"{lost.what}; it made no image of it",
            fix="look whether the engine runs (`envkit engine status`), then run the command again",
        ) from lost


def _asked(api: Any, container: str, config: Mapping[str, Any], key: str) -> str:
    """Ask for the image; while no answer comes, look whether it is there all the same."""
    answers: queue.Queue[str | BaseException] = queue.Queue()

    def ask() -> None:
        try:
            # The SDK's own method gives up after its time-out, and the engine makes the image all the same.
            params = {"container": container, "pause": True}
            answer = api._post_json(api._url("/commit"), data=config, params=params, timeout=None)
            answers.put(str(api._result(answer, json=True)["Id"]))
        except BaseException as error:  # noqa: BLE001  raised below, in the thread that asked
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    idle = 0
    while True:
        try:
            found = answers.get(timeout=api.timeout)
        except queue.Empty:
            state = _state(api, container)  # first: what is not paused any more has its image
            if made := _made(api, key):
                return made
            idle = idle + 1 if state == "running" else 0
            if idle >= _PATIENCES:
                raise TimeoutError("timed out") from None
            continue
        if isinstance(found, BaseException):
            raise found
        return found


def _found_late(api: Any, container: str, key: str, was: str) -> str:
    """Return the image that came after its reply was lost; "" when the engine is not at it any more."""
    begin = time.monotonic()
    while key:
        waited = time.monotonic() - begin
        try:
            with spoken_as_ours("asking the engine what became of it"):
                state = _state(api, container)  # first: what is not paused any more has its image
                if found := _made(api, key):
                    return found
            if state == "exited" and was == "running":
                state = was  # an engine that was restarted is at nothing any more
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
