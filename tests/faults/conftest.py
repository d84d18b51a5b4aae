"""A proxy before the engine, a place for environments behind it, and `envkit` as a user types it."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner
from docker.models.containers import Container

from envkit.cli.main import envkit as command_line
from envkit.engines.docker import connect
from envkit.engines.values import BuildRequest
from envkit.hosts.local import LocalHost
from tests.faults.private_engine import PrivateEngine, make_bridge, remove_bridge
from tests.faults.processes import UNPROVEN, Process, Source, source
from tests.faults.proxy import Proxy, Rule
from tests.faults.saves import TINY, Place
from tests.once import made_once
from tests.real.conftest import IMAGE as IDE_IMAGE
from tests.real.derived import derived
from tests.real.save.conftest import TINY as TINY_FOLDER
from tests.real.up.conftest import IMAGE, STAND_IN

MARK = "io.envkit.test=faults"


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    stdout: str
    stderr: str


Envkit = Callable[..., Said]
Start = Callable[..., Process]
Kill = Callable[..., None]
Seen = Callable[[], object]
Named = Callable[[], list[Container]]


@pytest.fixture(scope="session")
def stand_in(debian: str) -> bytes:
    """The stand-in image of tests/real/up, built by the shared engine, as `docker save` gives it."""
    ours = connect(LocalHost())
    ours.images.tag(ours.builder.build(BuildRequest(context=STAND_IN), lambda event: None), IMAGE)
    return subprocess.run(["docker", "save", IMAGE], check=True, capture_output=True).stdout


@pytest.fixture(scope="session")
def bridge() -> Iterator[None]:
    """The network of the tests' own engines."""
    if os.getuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("an engine of the tests' own needs root, and dockerd")
    make_bridge()
    yield
    remove_bridge()


@pytest.fixture(scope="session")
def private(bridge: None, stand_in: bytes) -> Iterator[PrivateEngine]:
    """A real engine where nobody else works: what is called when is then exact."""
    with tempfile.TemporaryDirectory(prefix="envkit-f-") as folder:  # a socket's path has 107 bytes at most
        engine = PrivateEngine(Path(folder), disk_mib=1024)
        try:
            with closing(engine.start()) as client:
                client.images.load(stand_in)
            yield engine
        finally:
            engine.remove()


@pytest.fixture(scope="session")
def tiny(engine: docker.DockerClient, debian: str) -> str:
    """The tiny image of tests/real/save on that engine: envkit's own Python, and little else."""
    given = os.environ.get("ENVKIT_TEST_IMAGE")
    if not given:
        with made_once("image"):
            words = [str(Path(sys.executable).with_name("envkit")), "build", "preset:cpu", "--tag", IDE_IMAGE]
            subprocess.run(words, check=True, capture_output=True, timeout=3600)
    with derived(TINY_FOLDER, given or IDE_IMAGE) as name:
        saved = subprocess.run(["docker", "save", name], check=True, capture_output=True).stdout
    (loaded,) = engine.images.load(saved)
    loaded.tag(TINY)
    engine.images.remove(name)
    return TINY


@pytest.fixture(scope="session")
def engine(private: PrivateEngine) -> Iterator[docker.DockerClient]:
    """A client of the engine, past the proxy."""
    with closing(docker.DockerClient(base_url=f"unix://{private.socket}")) as client:
        yield client


@pytest.fixture(scope="session")
def one_proxy(private: PrivateEngine) -> Iterator[Proxy]:
    """The proxy; it starts once."""
    proxy = Proxy(private.socket.with_name("proxy-docker.sock"), str(private.socket))
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(one_proxy: Proxy, environment: dict[str, str]) -> Iterator[Proxy]:
    """The proxy, which lets everything through at first and afterwards; nothing is known of any image."""
    one_proxy.mend()
    Path(environment["XDG_STATE_HOME"], "envkit", "accounts.json").unlink(missing_ok=True)
    yield one_proxy
    one_proxy.mend()


@pytest.fixture
def name(engine: docker.DockerClient) -> Iterator[str]:
    """A name that no other environment has; what has it afterwards is removed."""
    name = f"f-{uuid.uuid4().hex[:8]}"
    yield name
    for one in _named(engine, name):
        one.remove(force=True)


@pytest.fixture
def containers(engine: docker.DockerClient, name: str) -> Named:
    """Look which containers the environment of that name has."""
    return lambda: _named(engine, name)


@pytest.fixture(scope="session")
def environment(one_proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of the tests' `envkit`: through the proxy, with folders of the tests' own."""
    home = tmp_path_factory.mktemp("faults")
    for folder in (home, *home.parents[:2]):
        folder.chmod(0o755)  # pytest makes them for their owner only
    (home / "tmp").mkdir()
    folders = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "TMPDIR": str(home / "tmp")}
    return {"DOCKER_HOST": one_proxy.url, **folders}


@pytest.fixture
def envkit(environment: dict[str, str], proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Envkit:
    """`envkit("stop", name)` in this process."""
    for key, value in environment.items():
        monkeypatch.setenv(key, value)

    def run(*words: str) -> Said:
        done = CliRunner().invoke(command_line, words, prog_name="envkit")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception  # a user would see a traceback
        return Said(code=done.exit_code, stdout=done.stdout, stderr=done.stderr)

    return run


@pytest.fixture(scope="session")
def processes() -> Iterator[Source]:
    """Where `envkit` processes come from."""
    with source() as found:
        yield found


@pytest.fixture(scope="session")
def place(
    engine: docker.DockerClient,
    one_proxy: Proxy,
    environment: dict[str, str],
    processes: Source,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    """The tests' engine, and a proxy that lets everything through at first and afterwards."""
    outputs, numbers = tmp_path_factory.mktemp("outputs"), itertools.count()

    def begin(*words: str, **more: str) -> Process:
        variables = {**environment, UNPROVEN: "1", **more}
        return processes.start(words, variables, outputs / str(next(numbers)))

    one_proxy.mend()
    yield Place(engine=engine, proxy=one_proxy, begin=begin, temporary=Path(environment["TMPDIR"]))
    one_proxy.mend()


@pytest.fixture
def start(processes: Source, environment: dict[str, str], tmp_path: Path) -> Start:
    """Start `envkit` as a process of its own."""
    numbers = itertools.count()

    def begin(*words: str, **more: str) -> Process:
        return processes.start(words, {**environment, **more}, tmp_path / f"out{next(numbers)}")

    return begin


@pytest.fixture
def kill(start: Start, proxy: Proxy) -> Kill:
    """Run `envkit` until it meets a blocking rule, and kill it there; what is held is never heard."""

    def at(rule: Rule, *words: str) -> None:
        process = start(*words)
        proxy.break_at(rule)
        assert rule.reached.wait(30), (words, proxy.seen, process.output.read_text())
        process.kill()
        proxy.mend()

    return at


@pytest.fixture(scope="session")
def foreign(engine: docker.DockerClient) -> Iterator[Seen]:
    """Containers that are not envkit's, as they are now: one runs, one looks much like ours."""
    key, value = MARK.split("=")
    ours = {"io.envkit.owned": "true", "io.envkit.kind": "environment", "io.envkit.environment": "foreign"}
    made = []
    for name, more in (("foreign-runs", {}), ("envkit-foreign", ours)):
        labels = {key: value, **more}
        made.append(engine.containers.create(IMAGE, ["900"], entrypoint="sleep", name=name, labels=labels))
    made[0].start()

    def seen() -> object:
        for one in made:
            one.reload()
        return [(one.id, one.name, one.attrs["State"], one.attrs["Config"]) for one in made]

    yield seen
    for one in made:
        one.remove(force=True)


@pytest.fixture
def watched(engine: docker.DockerClient, containers: Named, foreign: Seen) -> Callable[[str], None]:
    """Look that the environment is in that state, once, and that nothing else of ours is there or changed."""
    before = foreign()

    def check(state: str) -> None:
        found = containers()
        assert only_state(found) == state
        ours = engine.containers.list(all=True, filters={"label": "io.envkit.container"})
        assert [one.id for one in ours] == [one.id for one in found]
        assert foreign() == before

    return check


def only_state(found: list[Container]) -> str:
    """Return the state of the one container, `-` when there is none."""
    assert len(found) <= 1, found
    return found[0].status if found else "-"


def _named(engine: docker.DockerClient, name: str) -> list[Container]:
    label = ["io.envkit.container", f"io.envkit.environment={name}"]
    found: list[Container] = engine.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return found
