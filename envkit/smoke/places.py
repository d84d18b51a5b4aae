"""Where the probes run: in a container for the moment, in an environment, or with a machine's own Python."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from envkit.accelerators.base import Wiring
from envkit.container import wired
from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.failures import LimitRefused
from envkit.engines.values import ExecRequest, ImageFacts, RunRequest
from envkit.environment import card_lease
from envkit.environment.card_lease import Claim
from envkit.errors import EnvkitError
from envkit.hosts.base import Command, Host
from envkit.plan.limits import Ulimit

Hear = Callable[[str], None]
# Ends what carries the token: an exec goes on when its caller is gone.
_END = """for one in /proc/[0-9]*; do
    if tr '\\0' '\\n' <"$one/environ" 2>/dev/null | grep -qx "ENVKIT_SMOKE=$1"; then kill "${one#/proc/}"; fi
done"""


class Place(Protocol):
    """Somewhere with a Python."""

    def run(self, words: tuple[str, ...], stdin: bytes, hear: Hear) -> str:
        """Run that Python with these words; return its last words when it ended badly, else nothing."""


@dataclass(frozen=True, kw_only=True)
class Here:
    """A machine's own Python, and no container."""

    host: Host
    python: str
    silence_s: float
    env: tuple[tuple[str, str], ...] = ()

    def run(self, words: tuple[str, ...], stdin: bytes, hear: Hear) -> str:
        """Run it there; lines that are not ours are kept, for the case that it ends badly."""
        last: list[str] = []

        def line(text: str) -> None:
            hear(text)
            last.append(text)
            del last[:-5]

        command = Command(
            words=(self.python, *words), stdin=stdin, env=dict(self.env), timeout_s=self.silence_s
        )
        code = self.host.stream(command, line)
        return f"exit code {code}: {last[-1] if last else 'it printed nothing'}" if code else ""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """A running container."""

    engine: Engine
    container: str
    python: tuple[str, ...]  # the words that run it
    timeout_s: float

    def run(self, words: tuple[str, ...], stdin: bytes, hear: Hear) -> str:
        """Run it by exec; whatever interrupts us ends it there too."""
        token = secrets.token_hex(8)
        request = ExecRequest(
            command=(*self.python, *words),
            stdin=stdin,
            env={"ENVKIT_SMOKE": token},
            timeout_s=self.timeout_s,
            hear=lambda line: hear(line.decode("utf-8", "replace").rstrip("\r\n")),
        )
        try:
            done = self.engine.inside.execute(self.container, request)
        except BaseException:
            with suppress(EnvkitError):  # it is gone, and all that ran in it
                ended = ExecRequest(command=("sh", "-c", _END, "sh", token), user="0")
                self.engine.inside.execute(self.container, ended)
            raise
        if done.code == 0:
            return ""
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()[-1:]
        return f"exit code {done.code}: {''.join(said)[-300:]}"


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a container for the moment gets."""

    image: ImageFacts
    wiring: Wiring
    claim: Claim
    shm_mib: int
    ulimits: tuple[Ulimit, ...]
    total_s: float


@contextmanager
def started(engine: Engine, wanted: Container) -> Iterator[str]:
    """Start one that has its cards as an environment has them, give its id, remove it whatever happens.

    CardTaken when somebody was faster. Left alone it ends by itself.
    """
    with ExitStack() as stack:
        try:
            container = stack.enter_context(_running(engine, wanted, limited=True))
        except LimitRefused:
            container = stack.enter_context(_running(engine, wanted, limited=False))
        yield container


def _running(engine: Engine, wanted: Container, *, limited: bool) -> AbstractContextManager[str]:
    @contextmanager
    def leased(container: str) -> Iterator[None]:
        with card_lease.held(engine, wanted.claim, container):
            yield
        card_lease.release(engine, container)

    return running(engine, _request(wanted, limited=limited), holding=leased)


def _request(wanted: Container, *, limited: bool) -> RunRequest:
    wiring = wanted.wiring
    return RunRequest(
        image=wanted.image.id,
        entrypoint=("sleep",),
        command=(f"{wanted.total_s:.0f}",),
        groups=wiring.groups,
        labels=wanted.claim.labels,
        mounts=wired.libraries(wiring),
        shm_mib=wanted.shm_mib,
        init=True,
        limits=wired.limits(wanted.ulimits) if limited else (),
        devices=wiring.nodes,
        device_request=wired.device_request(wiring),
    )
