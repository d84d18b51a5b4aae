"""Containers in memory: states, names, ports; commands are scripted."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from envkit.engines.failures import LimitRefused, NameTaken, NotThere, PortTaken
from envkit.engines.fake_images import FakeImages, carries, made_id
from envkit.engines.values import (
    OWNED,
    OWNED_CONTAINER,
    Change,
    ContainerFacts,
    Ends,
    ExecRequest,
    ExecResult,
    RunRequest,
)
from envkit.errors import EngineError

Answer = Callable[[ContainerFacts, ExecRequest], ExecResult]
_FIRST_PORT = 32_768  # where Linux begins to choose from (net.ipv4.ip_local_port_range)


class FakeContainers:
    """Containers in memory; `endings` says which commands end at once, with what code and what words."""

    def __init__(self, images: FakeImages) -> None:
        self._images = images
        self._all: dict[str, ContainerFacts] = {}
        self._numbers = itertools.count(1)
        self._one_at_a_time = threading.Lock()  # a name is given once
        self.requests: dict[str, RunRequest] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.printed: dict[str, bytes] = {}
        self.changed: dict[str, tuple[Change, ...]] = {}  # by id: what differs from the image beside `files`
        self.endings: dict[tuple[str, ...], tuple[int, bytes]] = {}
        self.busy_ports: set[int] = set()  # another program of the host listens there
        self.lifts_limits = True  # a rootless engine does not

    def add(self, facts: ContainerFacts) -> None:
        """Put a container in, as it is: ours or not."""
        self._all[facts.id] = facts
        self.files.setdefault(facts.id, {})

    def create(self, request: RunRequest) -> str:
        """Create (not start) a container labelled as ours; return its id. NameTaken when the name is."""
        image = self._images.require(request.image)
        number = next(self._numbers)
        name = request.name or f"fake_{number}"
        identity = made_id("container", str(number)).removeprefix("sha256:")
        self.requests[identity] = request
        facts = ContainerFacts(
            id=identity, name=name, image=image.id, state="created", exit_code=None,
            labels={**image.labels, **request.labels, OWNED: "true", OWNED_CONTAINER: "true"},
            ports=_asked(request),
            mounts=request.mounts, created=_moment(number),
            user=image.user if request.user is None else request.user,
        )  # fmt: skip
        with self._one_at_a_time:
            if self.inspect(name):
                fix = "choose another name, or remove that container"
                raise NameTaken(f"the name {name} is taken", fix=fix)
            self.add(facts)
        return identity

    def start(self, container: str) -> None:
        """Start; one that runs already is fine. A port that is taken is PortTaken."""
        facts = self.require(container)
        if facts.state == "running":
            return
        request = self.requests.get(facts.id, RunRequest(image=facts.image))
        if request.limits and not self.lifts_limits:
            raise LimitRefused("the engine may not lift limits", fix="run it as root")
        ports = self._published(facts, request)
        image = self._images.require(facts.image)
        command = image.command if request.command is None else request.command
        code, words = self.endings.get(command, (None, b""))
        self.printed[facts.id] = self.printed.get(facts.id, b"") + words
        state = ("running", None) if code is None else ("exited", code)
        self._all[facts.id] = replace(
            facts,
            state=state[0],  # type: ignore[arg-type]
            exit_code=state[1],
            ports=ports,
            started=_moment(next(self._numbers)),
        )

    def find(self, labels: Mapping[str, str]) -> tuple[ContainerFacts, ...]:
        """Return all containers, running or not, that carry these labels (value "" matches any value)."""
        return tuple(facts for facts in self._all.values() if carries(facts.labels, labels))

    def inspect(self, container: str) -> ContainerFacts | None:
        """Return the container of that name or id, or None."""
        return next((facts for facts in self._all.values() if container in (facts.id, facts.name)), None)

    def stop(self, container: str, grace_s: float) -> None:
        """Ask it to end; one that is gone or stopped is fine."""
        facts = self.inspect(container)
        if facts is not None and facts.state == "running":
            self.set_state(facts.id, "exited", 143)

    def set_state(self, container: str, state: str, exit_code: int | None = None) -> None:
        """Put a container into a state, as if it had got there by itself."""
        facts = self.require(container)
        self._all[facts.id] = replace(facts, state=state, exit_code=exit_code)  # type: ignore[arg-type]

    def remove(self, container: str) -> None:
        """Remove a container of ours (killing it); one that is gone is fine, one not ours is refused."""
        facts = self.inspect(container)
        if facts is None:
            return
        if facts.labels.get(OWNED_CONTAINER) != "true":
            raise EngineError(
                f"the container {facts.name} is not envkit's: it is left alone", fix=f"docker rm {facts.name}"
            )
        del self._all[facts.id], self.files[facts.id]

    def remove_idle(self, container: str) -> None:
        """Do the same, but an EngineError when it runs."""
        facts = self.inspect(container)
        if facts is not None and facts.state == "running":
            raise EngineError(f"the container {facts.name} is running", fix="stop it first")
        self.remove(container)

    def written_bytes(self, container: str) -> int:
        """Return the size of its writable layer; 0 when it is gone."""
        facts = self.inspect(container)
        return 0 if facts is None else sum(map(len, self.files[facts.id].values()))

    def config(self, container: str) -> Mapping[str, Any]:
        """Return the container's own config: its image's, with what was asked for."""
        facts = self.require(container)
        request = self.requests.get(facts.id, RunRequest(image=facts.image))
        config = dict(self._images.config(facts.image))
        env = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
        given = {"Cmd": request.command, "Entrypoint": request.entrypoint}
        return {
            **config,
            "Env": [f"{name}={value}" for name, value in {**env, **request.env}.items()],
            **{name: list(words) for name, words in given.items() if words is not None},
            "User": facts.user,
            "Labels": dict(facts.labels),
        }

    def changes(self, container: str) -> tuple[Change, ...]:
        """Return each path that is not as in its image: what was put in, and what `changed` says."""
        facts = self.require(container)
        put = (Change(path, "added") for path in self.files[facts.id])
        return tuple(sorted({*put, *self.changed.get(facts.id, ())}))

    def pause(self, container: str) -> None:
        """Freeze it; one that is paused already is fine, one that does not run is an error."""
        facts = self.require(container)
        if facts.state not in ("running", "paused"):
            raise EngineError(f"the container {facts.name} is not running", fix="start it")
        self.set_state(facts.id, "paused")

    def unpause(self, container: str) -> None:
        """Let it go on; one that is not paused, or gone, is fine."""
        facts = self.inspect(container)
        if facts is not None and facts.state == "paused":
            self.set_state(facts.id, "running")

    def require(self, container: str) -> ContainerFacts:
        """Return the container; EngineError when there is none."""
        facts = self.inspect(container)
        if facts is None:
            raise NotThere(f"no such container: {container}", fix="it is gone: run the command again")
        return facts

    def _published(self, facts: ContainerFacts, request: RunRequest) -> dict[int, tuple[str, int]]:
        taken = {
            port
            for other in self._all.values()
            if other.state == "running" and other.id != facts.id
            for _, port in other.ports.values()
        } | self.busy_ports
        found = {}
        for port in request.ports:
            if port.host_port in taken:
                raise PortTaken(f"port {port.host_port} is already allocated", fix="choose another port")
            number = port.host_port or next(n for n in itertools.count(_FIRST_PORT) if n not in taken)
            taken.add(number)
            found[port.container_port] = (port.address, number)
        return found


@dataclass
class FakeInside:
    """Commands by script: a command's words → its result, or a function that answers."""

    containers: FakeContainers
    scripts: dict[tuple[str, ...], ExecResult | Answer] = field(default_factory=dict)
    requests: list[ExecRequest] = field(default_factory=list)

    def execute(self, container: str, request: ExecRequest) -> ExecResult:
        """Answer by the script; a command without one is not found (127)."""
        facts = self.containers.require(container)
        if facts.state != "running":
            raise EngineError(f"the container {facts.name} is not running", fix="start it")
        self.requests.append(request)
        script = self.scripts.get(request.command)
        if script is None:
            return ExecResult(code=127, stdout=b"", stderr=f"{request.command[0]}: not found\n".encode())
        done = script if isinstance(script, ExecResult) else script(facts, request)
        if request.hear:
            for line in done.stdout.split(b"\n")[:-1]:
                request.hear(line + b"\n")
        return done

    def converse(self, container: str, request: ExecRequest, ends: Ends) -> int:
        """Read all of the input, then answer by the script."""
        done = self.execute(container, replace(request, stdin=_all_of(ends.stdin)))
        for which, text in ((1, done.stdout), (2, done.stderr)):
            if text:
                ends.write(1 if ends.size else which, text)
        return done.code

    def logs(self, container: str, *, tail: int | None = None) -> bytes:
        """Return what the container has printed (its last lines)."""
        text = self.containers.printed.get(self.containers.require(container).id, b"")
        return text if tail is None else b"".join(text.splitlines(keepends=True)[-tail:])

    def put(self, container: str, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        """Write files."""
        self.containers.files[self.containers.require(container).id].update(files)

    def get(self, container: str, path: str) -> bytes | None:
        """Return a file's bytes; None when there is no such file."""
        facts = self.containers.inspect(container)
        return None if facts is None else self.containers.files[facts.id].get(path)


def _moment(number: int) -> str:
    return f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z"


def _all_of(stdin: int | None) -> bytes:
    parts = b""
    while stdin is not None and (part := os.read(stdin, 1 << 16)):
        parts += part
    return parts


def _asked(request: RunRequest) -> dict[int, tuple[str, int]]:
    return {port.container_port: (port.address, port.host_port) for port in request.ports if port.host_port}
