"""What tests of environments share: a machine and an engine in memory, and a door that answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult, ImageFacts
from envkit.environment.door import Tls
from envkit.environment.up import Site, UpRequest
from envkit.hosts.base import Command, Completed
from envkit.plan.run_plan import Caller, RunImage, RunOptions

ADA = Caller(uid=1000, gid=100, name="ada")
EXPECT = json.dumps(
    {"services": ["jupyterlab", "code-server", "tensorboard"], "own_door": False, "idle_stop": True}
)
STATUS = ("/opt/envkit/bin/envkit-status",)

# What the cache's program says of a cache that it looked at not long ago.
CLEAN = json.dumps(
    {
        "folder": "/data/cache", "filesystem": "ext4", "reading_leaves_a_trace": True, "retention_s": 0.0,
        "states": {}, "entries": [], "finished": 0, "stopped": "soon", "failures": [],
    }
)  # fmt: skip


@dataclass
class TalkingHost:
    """A machine that answers by the first word of a command, and remembers what it was told to do."""

    answers: Mapping[str, str] = field(default_factory=dict)
    name: str = "test"
    heard: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, command: Command) -> Completed:
        self.heard.append(command.words)
        answer = self.answers.get(command.words[0])
        if answer == "{last}":
            answer = command.words[-1] + "\n"
        return Completed(code=int(answer is None), stdout=answer or "", stderr="no such thing")

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        raise NotImplementedError

    def find_programs(self, name: str) -> tuple[Path, ...]:
        return ()

    def read(self, path: Path) -> bytes | None:
        return b"MemTotal:       16384000 kB\n" if path == Path("/proc/meminfo") else None

    def read_from(self, path: Path, offset: int) -> bytes | None:
        content = self.read(path)
        return None if content is None else content[offset:]

    def free_bytes(self, path: Path) -> int:
        raise NotImplementedError


@dataclass
class Door:
    """A door whose answers a test can change; it notes who asked."""

    token: str = "t1"
    vscode: int | None = 200
    own: int | None = 200
    asked: list[str] = field(default_factory=list)
    tls: Tls | None = None

    def __call__(self, port: int, path: str, token: str | None, tls: Tls | None = None) -> int | None:
        self.asked.append(path)
        self.tls = tls
        if path in ("/", "/login"):  # code-server's own door
            return 302 if path == "/" else self.own
        if token != self.token:
            return 403 if "/api/" in path else 302
        return self.vscode if path.endswith("/vscode/") else 200


def image(**labels: str) -> ImageFacts:
    """Return an image of ours."""
    ours = {"io.envkit.owned": "true", "io.envkit.kind": "image", "io.envkit.name": "lab"}
    return ImageFacts(
        id="sha256:" + "a" * 64,
        tags=("lab:dev",),
        digests=(),
        labels={**ours, "io.envkit.expect": EXPECT, **labels},
        env={},
        entrypoint=(),
        command=("ide",),
        user="1000:0",
        architecture="amd64",
        size_bytes=1,
        layers=1,
    )


def token_of(door: Door) -> Callable[[ContainerFacts, ExecRequest], ExecResult]:
    """Answer `cat` of the token as the container would."""
    return lambda facts, request: ExecResult(code=0, stdout=door.token.encode(), stderr=b"")


def a_site(door: Door) -> tuple[Site, FakeEngine, TalkingHost]:
    """Return a place with the image `lab:dev`, whose folders do not exist yet."""
    engine, host = FakeEngine(), TalkingHost({"realpath": "{last}", "install": "", "python3": CLEAN})
    engine.images.add(image())
    engine.inside.scripts[("cat", "/run/secrets/jupyter_token")] = token_of(door)
    engine.inside.scripts[STATUS] = ExecResult(code=0, stdout=b'{"ready": true}', stderr=b"")
    site = Site(engine=engine, host=host, home="/data/home", cache="/data/cache", ask=door)
    return site, engine, host


def a_request(**options: object) -> UpRequest:
    """Ask for the image under the name `lab`, as Ada."""
    found = image()
    asked = RunImage(reference="lab:dev", id=found.id, labels=found.labels)
    return UpRequest(image=asked, options=RunOptions(**options), caller=ADA, timeout_s=1)  # type: ignore[arg-type]
