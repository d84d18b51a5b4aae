"""The classic builder, through the SDK: for engines and clients without BuildKit."""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from typing import IO, Any

import docker
import requests
import urllib3

from envkit.engines.build_log import BuildLog
from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.values import BuildEvent, BuildRequest
from envkit.errors import EngineError

# Docker's words for a step and what it says around steps, and Podman's.
_STEP = re.compile(r"Step \d+/\d+ : .*|STEP \d+/\d+: .*")
_CACHED = re.compile(r" ---> Using cache|--> Using cache [0-9a-f]+")
_AROUND = re.compile(
    r" ---> .*|--> .*|Removing intermediate .*|Successfully built .*|COMMIT|[0-9a-f]{64}|\s*"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # the builder paints what comes from stderr


class Classic:
    """The builder of the Docker API itself: no mounts, no secrets, one step after the other."""

    client = None

    def __init__(self, client: docker.DockerClient) -> None:
        self._api: Any = client.api  # its types leave out what the SDK itself builds on

    def build(self, request: BuildRequest, report: Callable[[BuildEvent], None]) -> str:
        """Build; return the image's id. Closing the connection cancels the build in the engine."""
        if request.secrets:
            raise EngineError(
                "the classic builder cannot mount secrets",
                fix="install a docker client that speaks BuildKit: Debian's docker.io, or docker with buildx",
            )
        if request.platform:
            raise EngineError(
                f"the classic builder cannot build for {request.platform}",
                fix="install a docker client that speaks BuildKit: Debian's docker.io, or docker with buildx",
            )
        with BuildLog(report) as log, tempfile.TemporaryFile() as context:
            _pack(request, context)
            with spoken_as_ours("building"), closing(self._post(request, context)) as response:
                try:
                    return _follow(self._api._stream_helper(response, decode=True), log)
                except (urllib3.exceptions.ReadTimeoutError, requests.exceptions.Timeout) as error:
                    raise log.silence(request.silence_s) from error

    def _post(self, request: BuildRequest, context: IO[bytes]) -> Any:
        """Send the context. Not the SDK's own `build`: that hands the engine all of docker's credentials."""
        parameters = {
            "dockerfile": request.dockerfile,
            "rm": True,
            "forcerm": True,
            "nocache": request.no_cache,
            "networkmode": "host",
            "buildargs": json.dumps(dict(request.build_args)),
            "labels": json.dumps(dict(request.labels)),
            "target": request.target or "",
            "t": request.name,
        }
        response = self._api._post(
            self._api._url("/build"),
            data=context,
            params=parameters,
            headers={"Content-Type": "application/x-tar"},
            stream=True,
            timeout=request.silence_s,
        )
        self._api._raise_for_status(response)
        return response


def _follow(stream: Any, log: BuildLog) -> str:
    """Turn the builder's answers into events; return the image's id."""
    told = _Told(log)
    image = ""
    for answer in stream:
        if error := answer.get("error"):
            log.write(str(error))
            told.end("failed", str(error))
            raise log.failure(str(error))
        image = (answer.get("aux") or {}).get("ID") or image
        for line in str(answer.get("stream", "")).splitlines():
            log.write(line)
            told.line(_COLOUR.sub("", line))
    if not image:
        raise EngineError(
            "the engine ended the build without an image", fix="see the engine's log; build again"
        )
    told.end("done")
    return image


class _Told:
    """What the builder prints, line by line, as events; at most one step is under way."""

    def __init__(self, log: BuildLog) -> None:
        self._log = log
        self._step = ""
        self._cached = False

    def line(self, line: str) -> None:
        if _STEP.fullmatch(line):
            self.end("done")
            self._step, self._cached = line, False
            self._log.event(BuildEvent(kind="step", step=line))
        elif _CACHED.fullmatch(line):
            self._cached = True
            self._log.event(BuildEvent(kind="cached", step=self._step))
        elif not _AROUND.fullmatch(line):
            self._log.event(BuildEvent(kind="line", step=self._step, text=line))

    def end(self, kind: Any, text: str = "") -> None:
        if kind == "failed" or (self._step and not self._cached):
            self._log.event(BuildEvent(kind=kind, step=self._step, text=text))


def _pack(request: BuildRequest, file: IO[bytes]) -> None:
    """Write the context as a tar with no times and no owners: the same context, the same bytes."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
        return entry

    with tarfile.open(fileobj=file, mode="w") as archive:
        for path in sorted(request.context.rglob("*")):
            archive.add(path, path.relative_to(request.context).as_posix(), recursive=False, filter=plain)
    file.seek(0)
