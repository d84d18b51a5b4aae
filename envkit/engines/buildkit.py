"""BuildKit, through a docker client that speaks it: the SDK does not (docker-py issue 2230)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from envkit.engines.build_log import BuildLog
from envkit.engines.endpoint import Endpoint
from envkit.engines.plain_progress import PlainProgress
from envkit.engines.values import BuildEvent, BuildRequest
from envkit.hosts.base import Command, Host, Silent
from envkit.scratch import Scratch


class BuildKit:
    """A docker client with BuildKit."""

    def __init__(self, host: Host, client: str, endpoint: Endpoint) -> None:
        self._host, self.client, self._endpoint = host, client, endpoint

    def build(self, request: BuildRequest, report: Callable[[BuildEvent], None]) -> str:
        """Build; return the image's id. Ending the client cancels the build in the engine."""
        with Scratch("id") as scratch, BuildLog(report) as log:
            id_file = scratch / "id"
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
                env=self._env(request),
                timeout_s=request.silence_s,
            )
            try:
                code = self._host.stream(command, each_line)
            except Silent as error:
                raise log.silence(request.silence_s) from error
            if code != 0 or not id_file.is_file():
                raise log.failure("\n".join(others))
            return id_file.read_text(encoding="ascii").strip()

    def _env(self, request: BuildRequest) -> dict[str, str]:
        """Return what the client finds in its environment; a command line is there for all to read."""
        return {
            **request.build_args,
            "DOCKER_BUILDKIT": "1",
            "DOCKER_HOST": self._endpoint.url,
            "DOCKER_CONTEXT": "",  # it would win over DOCKER_HOST
            # buildx: the engine's own builder, whatever the user took up (`buildx use`): only its images are
            # in the engine; and no attestations, which would make an index of the image.
            "BUILDX_BUILDER": "default",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            "LC_ALL": "C.UTF-8",
        }

    def _words(self, request: BuildRequest, id_file: Path) -> tuple[str, ...]:
        words = [self.client, "build", "--progress=plain", f"--iidfile={id_file}"]
        words += [f"--file={request.context / request.dockerfile}"]
        if self._endpoint.local:
            # The build reaches what this machine reaches: its proxy on loopback, its resolver.
            words += ["--network=host"]
        given = {"tag": request.name, "target": request.target, "platform": request.platform}
        words += [f"--{name}={value}" for name, value in given.items() if value]
        if request.no_cache:
            words += ["--no-cache"]
        for name, path in request.secrets.items():
            words += ["--secret", f"id={name},src={path}"]
        for name in request.build_args:
            words += ["--build-arg", name]
        for name, value in request.labels.items():
            words += ["--label", f"{name}={value}"]
        return (*words, str(request.context))
