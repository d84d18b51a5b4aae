"""What is done inside a container, through the Docker SDK."""

from __future__ import annotations

import io
import posixpath
import socket
import struct
import tarfile
import time
from collections.abc import Mapping
from typing import Any, cast

import docker
from docker.errors import NotFound

from envkit.engines.base import ExecRequest, ExecResult
from envkit.engines.docker_errors import spoken_as_ours
from envkit.errors import EngineError

# The stream of an exec without a terminal: 1 byte which output, 3 unused, 4 length (Docker API, "attach").
_HEADER = struct.Struct(">BxxxL")
_STDERR = 2
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
            )
            stream = self._api.exec_start(made["Id"], socket=True)
        raw = cast(socket.socket, getattr(stream, "_sock", stream))
        try:
            with spoken_as_ours(doing):
                stdout, stderr = _talk(raw, request, time.monotonic() + request.timeout_s)
                return ExecResult(code=self._code(made["Id"]), stdout=stdout, stderr=stderr)
        finally:
            stream.close()
            raw.close()  # the stream leaves it open: the connection that was upgraded holds it, too

    def logs(self, container: str) -> bytes:
        """Return what the container has printed so far, stdout and stderr as they came."""
        with spoken_as_ours("reading the container's log"):
            return bytes(self._api.logs(container, stdout=True, stderr=True))

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

    def _code(self, exec_id: str) -> int:
        """Return the exit code; the stream may end a moment before the engine knows it."""
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            about: dict[str, Any] = self._api.exec_inspect(exec_id)
            if not about["Running"] and about["ExitCode"] is not None:
                return int(about["ExitCode"])
            time.sleep(0.02)
        raise EngineError("the engine does not say how the command ended", fix="run it again")


def _talk(raw: socket.socket, request: ExecRequest, deadline: float) -> tuple[bytes, bytes]:
    """Send stdin, close that direction, and read both outputs to their end."""
    if request.stdin:
        raw.settimeout(_left(deadline, request))
        raw.sendall(request.stdin)
        raw.shutdown(socket.SHUT_WR)
    outputs: tuple[list[bytes], list[bytes]] = ([], [])
    while header := _read(raw, _HEADER.size, deadline, request):
        which, length = _HEADER.unpack(header)
        outputs[1 if which == _STDERR else 0].append(_read(raw, length, deadline, request))
    return b"".join(outputs[0]), b"".join(outputs[1])


def _read(raw: socket.socket, length: int, deadline: float, request: ExecRequest) -> bytes:
    """Read exactly so many bytes; none at the stream's end."""
    parts: list[bytes] = []
    missing = length
    while missing:
        raw.settimeout(_left(deadline, request))
        try:
            part = raw.recv(min(missing, 1 << 16))
        except TimeoutError as error:
            raise _too_long(request) from error
        if not part:
            if parts:
                raise EngineError("the engine cut the command's output", fix="run the command again")
            return b""
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _left(deadline: float, request: ExecRequest) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _too_long(request)
    return left


def _too_long(request: ExecRequest) -> EngineError:
    return EngineError(
        f"{request.command[0]} in the container did not end within {request.timeout_s:.0f} s",
        fix="it may still run there; stopping the container ends it",
    )
