"""Saves of tiny environments: the points where one can be killed, and what it leaves behind."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container

from envkit.plan.run_plan import container_name
from tests.faults.processes import Process
from tests.faults.proxy import Do, Proxy, Rule
from tests.names import fresh

TINY = "envkit-test-tiny:dev"
PATIENCE_S = 120.0


def made(engine: docker.DockerClient, image: str, name: str) -> Container:
    """Start an environment with what `up` tells one."""
    labels = {
        "io.envkit.container": "true",
        "io.envkit.kind": "environment",
        "io.envkit.environment": name,
        "io.envkit.run": json.dumps({"image": image, "device": "cpu"}),
    }
    env = {"ENVKIT_NAME": name, "ENVKIT_BASE_URL": f"/env/{name}"}
    found: Container = engine.containers.run(
        image, detach=True, name=container_name(name), user="1234:1234", environment=env, labels=labels
    )
    return found


def run_in(container: Container, script: str) -> str:
    """Run a shell's script in it as root; return what it prints."""
    code, said = container.exec_run(["sh", "-euc", script], user="0:0")
    assert code == 0, said
    return str(said.decode())


def unseen(engine: docker.DockerClient, size: int) -> str:
    """Make an image of random bytes, which nobody has seen; return its name."""
    content, name = io.BytesIO(), fresh("pushed")
    with tarfile.open(fileobj=content, mode="w") as archive:
        entry = tarfile.TarInfo("data")
        entry.size = size
        archive.addfile(entry, io.BytesIO(os.urandom(size)))
    labels = ["LABEL io.envkit.owned=true io.envkit.kind=image"]
    engine.api.import_image_from_data(content.getvalue(), repository=name, tag="dev", changes=labels)
    return f"{name}:dev"


def until(true: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@dataclass(frozen=True)
class Point:
    """A request that changes something, before the engine hears of it or after it has acted."""

    do: Do
    method: str
    path: str
    occurrence: int

    @property
    def act(self) -> tuple[str, str, int]:
        """Return the request."""
        return self.method, self.path, self.occurrence

    def rule(self) -> Rule:
        """Return the proxy's rule."""
        return Rule(do=self.do, method=self.method, path=self.path, occurrence=self.occurrence)


def acts(seen: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return the requests that change something: method, pattern of the path, and the how-manieth of them."""
    found: list[tuple[str, str, int]] = []
    for line in seen:
        method, _, path = line.partition(" ")
        if method in ("GET", "HEAD"):
            continue
        pattern = re.sub(r"[0-9a-f]{64}", "[0-9a-f]{64}", re.escape(path))
        pattern = re.sub(r"envkit\\-unverified/.*?(?=/tag|$)", "envkit-unverified/[^/]+", pattern)
        found.append((method, pattern, 1 + [one[:2] for one in found].count((method, pattern))))
    return found


def points(found: Sequence[tuple[str, str, int]], number: int, must: str) -> list[Point]:
    """Choose so many points: both sides of what must be met, and of the rest one side, evenly."""
    both = [one for one in found if re.search(must, " ".join(one[:2]))]
    rest = [one for one in found if one not in both]
    left = number - 2 * len(both)
    assert 0 <= left <= len(rest), (found, number)
    even = [rest[at * (len(rest) - 1) // max(left - 1, 1)] for at in range(left)]
    sides: tuple[Do, Do] = ("block-before", "block-after")
    chosen = [(one, side) for one in both for side in sides]
    chosen += [(one, sides[at % 2]) for at, one in enumerate(even)]
    chosen.sort(key=lambda pair: found.index(pair[0]))
    return [Point(side, *one) for one, side in chosen]


@dataclass(frozen=True)
class Left:
    """What there is on an engine and on the disk."""

    containers: frozenset[str]
    images: frozenset[str]  # and their names
    folders: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Place:
    """An engine of the tests' own, the proxy before it, and `envkit` beside it."""

    engine: docker.DockerClient
    proxy: Proxy
    begin: Callable[..., Process]  # `envkit WORDS`
    temporary: Path  # where its files for a while lie

    def left(self) -> Left:
        """Look what there is."""
        images = self.engine.images.list(all=True)
        there = self.engine.containers.list(all=True, ignore_removed=True)
        return Left(
            containers=frozenset(one.id for one in there),
            images=frozenset(name for one in images for name in (one.id, *one.tags)),
            folders=frozenset(str(path) for path in self.temporary.iterdir()),
        )

    def swept(self) -> Left:
        """Let `envkit gc` remove what dead ones left, once what they had started is dead, too; look."""
        until(lambda: not self._orphans(), "what was started by a killed one has ended")
        code, said = self.begin("gc", "--yes").wait()
        assert code == 0, said
        return self.left()

    def _orphans(self) -> list[str]:
        found = []
        for about in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended in the meantime
                words = about.read_bytes()
                if str(self.temporary).encode() in words:
                    found.append(words.decode("utf-8", "replace"))
        return found

    def kill(self, rule: Rule, *words: str) -> None:
        """Run `envkit` until it meets a blocking rule, and kill it there."""
        self.proxy.break_at(rule)
        process = self.begin(*words)
        until(rule.reached.is_set, f"{words} at {rule}: {self.proxy.seen}")
        process.kill()
        self.proxy.mend()


@dataclass(frozen=True, kw_only=True)
class Save:
    """A save of an environment, as often as wished."""

    place: Place
    container: Container
    name: str
    more: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """Return what the image is called."""
        return f"{self.name}:saved"

    @property
    def words(self) -> tuple[str, ...]:
        """Return the command."""
        return ("commit", self.name, self.tag, *self.more)

    def done(self) -> list[str]:
        """Save it to the end; return the image's layers, but for the last: that tells its time."""
        code, said = self.place.begin(*self.words).wait()
        assert code == 0, said
        layers: list[str] = self.place.engine.images.get(self.tag).attrs["RootFS"]["Layers"]
        return layers[:-1]

    def forget(self) -> None:
        """Remove the image."""
        if self.is_tagged():
            self.place.engine.images.remove(self.tag)

    def is_tagged(self) -> bool:
        """Tell whether the image has its name."""
        return bool(self.place.engine.images.list(self.tag))

    def state(self) -> str:
        """Return the environment's state."""
        self.container.reload()
        return str(self.container.status)
