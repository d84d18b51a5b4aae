"""`envkit adopt` is killed: the container goes on as it was, a rerun ends, and nothing stays."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from envkit.container import maker
from envkit.engines.docker import connect
from envkit.environment.garbage import Place, leftovers, sweep
from envkit.hosts.local import LocalHost
from tests.faults.proxy import Do, Proxy, Rule
from tests.faults.saves import until
from tests.names import fresh
from tests.real.derived import derived

ENVKIT = str(Path(sys.executable).with_name("envkit"))
HERE = Path(__file__).with_name("adopt")
MARK = "io.envkit.test"  # all that is made of the image has its label
Point = str | tuple[Do, str, str]  # a line that it prints, or a request
# Where the copy of a container begins, is there, gets its name, is looked into, and goes.
COPYING: tuple[Point, ...] = (
    ("block-before", "POST", "/commit"),
    ("block-after", "POST", "/commit"),
    ("block-after", "POST", "/images/load"),
    ("block-after", "POST", "/containers/.*/start"),
    ("block-before", "DELETE", "/images/.*"),
)
PROVING: tuple[Point, ...] = ("looking at what the image holds", "JupyterLab opens with its token")
BUILDING: tuple[Point, ...] = ("RUN", *PROVING)
INSTALLING: tuple[Point, ...] = ("[in a container ", "committing the container", *PROVING)


@dataclass
class Bench:
    """A container that somebody else started, what stands before the engine, and who is killed."""

    engine: docker.DockerClient
    proxy: Proxy
    container: Container
    word: str
    folder: Path  # for files on the way
    pids: list[int] = field(default_factory=list)

    @property
    def tag(self) -> str:
        """Return the name of what is made."""
        return f"{self.word}-ide:dev"

    def state(self) -> object:
        """Return what the container is, and what it holds."""
        self.container.reload()
        if self.container.status != "running":  # paused: the engine copies it
            return self.container.status
        held = self.container.exec_run(["cat", "/opt/mine"]).output
        return self.container.attrs["State"], self.container.attrs["Config"], held

    def words(self, *more: str) -> list[str]:
        return [ENVKIT, "adopt", self.container.name, "--tag", self.tag, *more]

    def kill(self, point: Point, *more: str) -> None:
        """Begin, and kill it there; what it had started itself goes on to its end."""
        environment = {**os.environ, "DOCKER_HOST": self.proxy.url, "TMPDIR": str(self.folder)}
        lines: list[str] = []
        rule = None if isinstance(point, str) else Rule(do=point[0], method=point[1], path=point[2])
        if rule:
            self.proxy.break_at(rule)
        with subprocess.Popen(
            self.words(*more), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr
            reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
            reader.start()
            met = rule.reached.is_set if rule else lambda: any(str(point) in line for line in lines)
            until(lambda: met() or process.poll() is not None, f"{point}: {lines}", 600)
            assert process.poll() is None, (point, lines)
            process.kill()
            self.proxy.mend()
        self.pids.append(process.pid)

    def made(self) -> set[str]:
        """Return what is there of the image's making: containers, images and their names."""
        label = {"label": f"{MARK}={self.word}"}
        containers = {
            str(one.id)
            for one in self.engine.containers.list(all=True, ignore_removed=True)
            if self._is_ours(one.labels)
        }
        images = self.engine.images.list(filters=label)
        names = {name for one in self.engine.images.list() for name in one.tags if self._is_of_killed(name)}
        names |= {name for one in images for name in one.tags}
        return containers | {str(one.id) for one in images} | names

    def _is_of_killed(self, name: str) -> bool:
        """Tell whether it is a name for a while that one of the killed gave, to the tools' stages too."""
        return name.startswith("envkit-unverified/") and any(f".{pid}." in name for pid in self.pids)

    def _is_ours(self, labels: dict[str, str]) -> bool:
        made_by = maker.maker_of(labels)
        return labels.get(MARK) == self.word or (made_by is not None and made_by.pid in self.pids)

    def sweep(self) -> None:
        """Let `envkit gc` remove what it finds of it, an hour later."""
        place = Place(engine=connect(LocalHost()), host=LocalHost(), cache=str(self.folder))
        mine = self.made()
        found = leftovers(place, datetime.now(timezone.utc) + timedelta(hours=2))
        swept = sweep(place, tuple(one for one in found if one.id in mine), lambda line: None)
        assert swept.kept == ()


@pytest.fixture(params=["plain"])
def base(request: pytest.FixtureRequest, debian: str) -> Iterator[str]:
    """An image of somebody's: Debian's own, or one with a Python in a prefix."""
    if request.param == "plain":
        yield debian
        return
    with derived(HERE / "root", debian) as name:
        yield name


@pytest.fixture
def bench(base: str, engine: docker.DockerClient, tmp_path: Path) -> Iterator[Bench]:
    word = fresh("envkit-test-adopt")
    text = f"FROM {base}\nLABEL {MARK}={word}\n"
    image, _ = engine.images.build(fileobj=io.BytesIO(text.encode()), tag=f"{word}:dev", rm=True)
    container = engine.containers.run(image.id, ["3600"], entrypoint="sleep", name=word, detach=True)
    container.exec_run(["sh", "-c", "echo kept >/opt/mine"])
    proxy = Proxy(Path("/tmp", f"{word}.sock"), connect(LocalHost()).address.removeprefix("unix://"))
    (tmp_path / "tmp").mkdir()
    yield Bench(engine=engine, proxy=proxy, container=container, word=word, folder=tmp_path / "tmp")
    proxy.close()
    Path("/tmp", f"{word}.sock").unlink()
    container.remove(force=True, v=True)
    for one in engine.images.list(filters={"label": f"{MARK}={word}"}):
        for name in one.tags or [one.id]:
            engine.images.remove(name)


@pytest.mark.real
def test_killed_while_it_copies_a_container(bench: Bench) -> None:
    state, before = bench.state(), bench.made()
    for point in COPYING:
        bench.kill(point, "--dry-run")
        until(lambda: bench.state() == state, "the container goes on as it was")
    bench.sweep()
    assert bench.made() == before
    done = subprocess.run(bench.words("--dry-run", "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["tag"] == bench.tag, done.stderr
    assert bench.made() == before and bench.state() == state


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("base", ["prefix"], indirect=True)
@pytest.mark.parametrize(
    ("way", "points"), [((), BUILDING), (("--by-commit",), INSTALLING)], ids=["build", "commit"]
)
def test_killed_while_it_builds_it_is_adopted_by_a_rerun(
    bench: Bench, way: tuple[str, ...], points: tuple[Point, ...]
) -> None:
    state, before = bench.state(), bench.made()
    for point in points:
        bench.kill(point, *way)
        until(lambda: bench.state() == state, "the container goes on as it was")
        assert not bench.engine.images.list(bench.tag)
    done = subprocess.run(bench.words("--json", *way), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)["built"]["verdict"]
    assert {item["outcome"] for item in verdict["items"]} == {"passed", "not-applicable"}
    bench.sweep()
    image = bench.engine.images.get(bench.tag)
    assert bench.made() - before == {image.id, bench.tag} and bench.state() == state
    held = bench.engine.containers.run(bench.tag, ["cat", "/opt/mine"], remove=True)
    assert held == b"kept\n"
