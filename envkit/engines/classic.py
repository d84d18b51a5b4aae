"""The classic builder, through the SDK: for engines and clients without BuildKit."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable
from typing import Any

import docker

from envkit.engines.base import BuildEvent, BuildRequest
from envkit.engines.build_log import BuildLog
from envkit.engines.docker_errors import spoken_as_ours
from envkit.errors import EngineError

_STEP = re.compile(r"Step \d+/\d+ : .*")


class Classic:
    """The builder of the Docker API itself: no mounts, no secrets, one step after the other."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._api: Any = client.api  # its types leave out what the SDK itself builds on

    def build(self, request: BuildRequest, report: Callable[[BuildEvent], None]) -> str:
        """Build; return the image's id. Closing the connection cancels the build in the engine."""
        if request.secrets:
            raise EngineError(
                "the classic builder cannot mount secrets",
                fix="install a docker client that speaks BuildKit (Debian's docker.io, or docker with buildx)",
            )
        with BuildLog(report) as log, spoken_as_ours("building"):
            stream = self._api._stream_helper(self._post(request), decode=True)
            return _follow(stream, log)

    def _post(self, request: BuildRequest) -> Any:
        """Send the context. Not the SDK's own `build`: that hands all of docker's credentials to the engine."""
        parameters = {
            "dockerfile": request.dockerfile,
            "rm": True,
            "forcerm": True,
            "nocache": request.no_cache,
            "networkmode": "host",
            "buildargs": _json(dict(request.build_args)),
            "labels": _json(dict(request.labels)),
            "target": request.target or "",
        }
        return self._api._post(
            self._api._url("/build"),
            data=_tar(request),
            params=parameters,
            headers={"Content-Type": "application/x-tar"},
            stream=True,
            timeout=request.silence_s,
        )


def _follow(stream: Any, log: BuildLog) -> str:
    image, step = "", ""
    for event in stream:
        if error := event.get("error"):
            log.event(BuildEvent(kind="failed", step=step, text=error))
            raise log.failure(str(error))
        if identity := (event.get("aux") or {}).get("ID"):
            image = identity
        for line in str(event.get("stream", "")).splitlines():
            log.write(line)
            if _STEP.fullmatch(line):
                if step:
                    log.event(BuildEvent(kind="done", step=step))
                step = line
                log.event(BuildEvent(kind="step", step=step))
            elif line.strip() == "---> Using cache":
                log.event(BuildEvent(kind="cached", step=step))
            elif line.strip() and not line.startswith(" ---> "):
                log.event(BuildEvent(kind="line", step=step, text=line))
    if not image:
        raise EngineError(
            "the engine ended the build without an image", fix="see the engine's log; build again"
        )
    return image


def _json(value: object) -> str:
    import json

    return json.dumps(value)


def _tar(request: BuildRequest) -> bytes:
    """Return the context as a tar with no times and no owners: the same context, the same bytes."""
    buffer = io.BytesIO()

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
        return entry

    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(request.context.rglob("*")):
            archive.add(path, path.relative_to(request.context).as_posix(), recursive=False, filter=plain)
    return buffer.getvalue()
