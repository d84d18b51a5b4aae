"""What is done inside a container, through the Docker SDK."""

from __future__ import annotations

import io
import posixpath
import tarfile
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import docker
from docker.errors import APIError, NotFound

from envkit.engines.docker_converse import Conversation
from envkit.engines.docker_errors import spoken_as_ours
from envkit.engines.docker_exec import talk, upgraded
from envkit.engines.values import Ends, ExecRequest, ExecResult
from envkit.errors import EngineError

_MOST_LINKS = 8


class DockerInside:
    """Commands, logs and files of containers behind the Docker API."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._api: Any = client.api  # the SDK has no types

    def execute(self, container: str, request: ExecRequest) -> ExecResult:
        """Run a command to its end. A time-out is an EngineError; it may then go on in there."""
        doing = f"running {request.command[0]} in the container"
        with spoken_as_ours(doing):
            made = self._api.exec_create(
                container,
                list(request.command),
                stdin=bool(request.stdin),
                user=request.user or "",
                environment=dict(request.env),
                workdir=request.directory,
            )
            with upgraded(self._api, made["Id"]) as (connection, early):
                stdout, stderr = talk(connection, early, request)
            return ExecResult(code=self._code(made["Id"]), stdout=stdout, stderr=stderr)

    def converse(self, container: str, request: ExecRequest, ends: Ends) -> int:
        """Run a command whose input and output are the caller's; return its exit code."""
        tty = ends.size is not None
        with spoken_as_ours(f"running {request.command[0]} in the container"):
            made = self._api.exec_create(
                container,
                list(request.command),
                stdin=ends.stdin is not None,
                tty=tty,
                user=request.user or "",
                environment=dict(request.env),
                workdir=request.directory,
            )
            with upgraded(self._api, made["Id"], tty=tty) as (connection, early):
                Conversation(connection, ends, partial(self._resize, made["Id"])).hold(early)
            return self._code(made["Id"])

    def logs(self, container: str, *, tail: int | None = None) -> bytes:
        """Return what the container has printed so far (its last lines), stdout and stderr as they came."""
        with spoken_as_ours("reading the container's log"):
            asked = "all" if tail is None else tail
            return bytes(self._api.logs(container, stdout=True, stderr=True, tail=asked))

    def put(self, container: str, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        """Write files (absolute path → bytes) into its writable layer, owned by root. Never for secrets."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path, content in sorted(files.items()):
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mode = len(content), mode
                archive.addfile(entry, io.BytesIO(content))
        with spoken_as_ours("writing files into the container"):
            self._api.put_archive(container, "/", buffer.getvalue())

    def get(self, container: str, path: str) -> bytes | None:
        """Return a file's bytes, running or not (a link is followed); None when there is no such file."""
        for _ in range(_MOST_LINKS):
            with spoken_as_ours(f"reading {path} in the container"):
                try:
                    chunks, _ = self._api.get_archive(container, path)
                except NotFound:
                    return None
                archive = tarfile.open(fileobj=io.BytesIO(b"".join(chunks)))  # noqa: SIM115  closed below
            with archive:
                member = archive.next()
                if member is None or not member.issym():
                    file = None if member is None else archive.extractfile(member)
                    return None if file is None else file.read()
                path = posixpath.normpath(posixpath.join(posixpath.dirname(path), member.linkname))
        return None

    def _resize(self, exec_id: str, columns: int, rows: int) -> bool:
        """Tell the command's terminal its size; False when there is no command, not yet or no more."""
        try:
            self._api.exec_resize(exec_id, height=rows, width=columns)
        except APIError:
            return False
        return True

    def _code(self, exec_id: str) -> int:
        """Return the exit code; the stream may end a moment before the engine knows it."""
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            about: dict[str, Any] = self._api.exec_inspect(exec_id)
            if not about["Running"] and about["ExitCode"] is not None:
                return int(about["ExitCode"])
            time.sleep(0.02)
        raise EngineError("the engine does not say how the command ended", fix="run it again")
