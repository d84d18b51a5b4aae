"""BuildKit, through a docker client that speaks it: the SDK does not (docker-py issue 2230)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from envkit.engines.base import BuildEvent, BuildFailed, BuildRequest
from envkit.engines.build_log import BuildLog, short
from envkit.engines.endpoint import Endpoint
from envkit.engines.plain_progress import PlainProgress
from envkit.errors import HostError
from envkit.hosts.base import Command, Host


class BuildKit:
    """A docker client with BuildKit."""

    def __init__(self, host: Host, client: str, endpoint: Endpoint) -> None:
        self._host, self._client, self._endpoint = host, client, endpoint

    def build(self, request: BuildRequest, report: Callable[[BuildEvent], None]) -> str:
        """Build; return the image's id. Ending the client cancels the build in the engine."""
        with tempfile.TemporaryDirectory(prefix="envkit-id-") as scratch, BuildLog(report) as log:
            id_file = Path(scratch) / "id"
            progress = PlainProgress()
            others: list[str] = []

            def each_line(line: str) -> None:
                log.write(line)
                events = progress.events(line)
                for event in events:
                    log.event(event)
                if not events and not line.startswith("#"):
                    others.append(line)

            command = Command(
                words=self._words(request, id_file),
                # Values of build arguments travel in the environment: a command line is there for all to read.
                env={**request.build_args, "DOCKER_BUILDKIT": "1", "DOCKER_HOST": self._endpoint.url},
                timeout_s=request.silence_s,
            )
            try:
                code = self._host.stream(command, each_line)
            except HostError as error:
                what = f"the build was silent for {request.silence_s:.0f} s at {short(log.current_step)} and was cancelled"
                raise BuildFailed(f"{what}\n  log: {log.path}", fix=error.fix) from error
            if code != 0 or not id_file.is_file():
                raise log.failure("\n".join(others))
            return id_file.read_text(encoding="ascii").strip()

    def _words(self, request: BuildRequest, id_file: Path) -> tuple[str, ...]:
        words = [self._client, "build", "--progress=plain", f"--iidfile={id_file}"]
        words += [f"--file={request.context / request.dockerfile}"]
        if self._endpoint.local:
            # The build reaches what this machine reaches: its proxy on loopback, its resolver.
            words += ["--network=host"]
        if request.target:
            words += [f"--target={request.target}"]
        if request.no_cache:
            words += ["--no-cache"]
        for name, path in request.secrets.items():
            words += ["--secret", f"id={name},src={path}"]
        for name in request.build_args:
            words += ["--build-arg", name]
        for name, value in request.labels.items():
            words += ["--label", f"{name}={value}"]
        return (*words, str(request.context))
