"""Images in and out of the engine as docker archives, as long as that takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from envkit.engines.docker_errors import spoken_as_ours
from envkit.errors import EngineError

_PART = 1 << 20
# Docker says it in two ways, Podman in the second for both.
_LOADED = re.compile(r"Loaded image(?: ID)?: (\S+)")


def load(api: Any, tar: Path, report: Callable[[str], None]) -> str:
    """Hand an archive to the engine; return the image's name or id."""
    loaded, known = "", set()
    with tar.open("rb") as file, spoken_as_ours(f"loading {tar}"):
        # The SDK's own method gives up after its time-out: a large layer takes longer.
        answer = api._post(api._url("/images/load"), data=file, stream=True, timeout=None)
        api._raise_for_status(answer)
        for event in api._stream_helper(answer, decode=True):
            if error := event.get("error"):
                raise _not_loaded(tar, str(error))
            if found := _LOADED.search(str(event.get("stream") or "")):
                loaded = found[1]
            if (layer := event.get("id")) and layer not in known:
                known.add(layer)
                report(f"{layer} {event.get('status', '')}".strip())
    if not loaded:
        raise _not_loaded(tar, "the engine named no image")
    return loaded


def save(api: Any, reference: str) -> Iterator[bytes]:
    """Yield the archive's bytes; a cut is an EngineError."""
    with spoken_as_ours(f"saving {reference}"):
        # No time-out: before its first byte the engine writes all of it to its own disk.
        answer = api._get(api._url("/images/{0}/get", reference), stream=True, timeout=None)
        api._raise_for_status(answer)
        with answer:
            yield from answer.iter_content(_PART)


def _not_loaded(tar: Path, text: str) -> EngineError:
    fix = "free space: `docker system df` shows what takes it" if "no space left" in text else "see its log"
    return EngineError(f"loading {tar}: {text}", fix=fix)
