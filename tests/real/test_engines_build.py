"""Both builders on the real engine: failures, silence, Ctrl-C, secrets, arguments."""

from __future__ import annotations

import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import docker
import docker.errors
import pytest

from envkit.engines.docker import DockerEngine, connect
from envkit.engines.failures import BuildFailed
from envkit.engines.values import BuildEvent, BuildRequest
from envkit.errors import EngineError
from envkit.hosts.local import LocalHost

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("debian")]

MARK = f"io.envkit.test=build-{uuid.uuid4().hex}"  # of this session: another one may work beside it
BASE = "FROM debian:12\n"
# A child that builds as the command line does: Ctrl-C is exit code 130. A test run in the
# background (`make test &`) ignores it, and so would its children.
CHILD = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from envkit.engines.values import BuildRequest
from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost
builder = connect(LocalHost(), classic=sys.argv[1] == "classic").builder
try:
    builder.build(BuildRequest(context=Path(sys.argv[2])), lambda event: None)
except KeyboardInterrupt:
    sys.exit(130)
"""

Request = Callable[..., BuildRequest]


@pytest.fixture(params=["buildkit", "classic"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(kind: str) -> DockerEngine:
    return connect(LocalHost(), classic=kind == "classic")


@pytest.fixture
def word() -> str:
    """A word that nothing else holds."""
    return f"word{uuid.uuid4().hex}"


@pytest.fixture
def request_for(tmp_path: Path) -> Iterator[Request]:
    """Make a request for a Dockerfile of these lines; what it made is removed afterwards."""

    def make(text: str, **more: object) -> BuildRequest:
        context = tmp_path / "context"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(BASE + text, encoding="utf-8")
        return BuildRequest(context=context, labels=dict([MARK.split("=")]), **more)  # type: ignore[arg-type]

    yield make
    client = docker.from_env()
    for image in client.images.list(filters={"label": MARK, "dangling": True}):
        try:
            client.images.remove(image.id, force=False)
        except docker.errors.APIError:
            continue  # a child of another test still needs it
    client.close()


def ignore(event: BuildEvent) -> None:
    """Listen to nothing."""


def processes_with(text: str) -> list[str]:
    """Return the command lines on this machine that hold a text; a container's are among them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue  # it has ended
        if text in line:
            found.append(line)
    return found


def wait_until(true: Callable[[], bool], what: str, timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"after {timeout_s} s still not: {what}")
        time.sleep(0.1)


def a_sleep() -> str:
    """Return a sleep that no other process sleeps."""
    return f"sleep 8{uuid.uuid4().int % 10**8}"


def test_a_failure_names_the_step_its_last_lines_and_the_fix(
    engine: DockerEngine, request_for: Request
) -> None:
    text = "RUN seq 1 30; echo 'E: Unable to locate package nosuch'; exit 100\n"
    with pytest.raises(BuildFailed) as caught:
        engine.builder.build(request_for(text), ignore)
    first, *lines, log = caught.value.what.splitlines()
    assert "RUN seq 1 30; echo 'E: Unable to locate" in first
    assert lines == [f"    {n}" for n in range(12, 31)] + ["    E: Unable to locate package nosuch"]
    assert caught.value.fix == "the distribution has no package of that name: look at `apt:` in the spec"
    written = Path(log.removeprefix("  log: ")).read_text(encoding="utf-8")
    assert all(any(line.endswith(str(n)) for line in written.splitlines()) for n in range(1, 31))


def test_a_step_that_says_nothing_itself_fails_with_the_engines_words(
    engine: DockerEngine, request_for: Request
) -> None:
    with pytest.raises(BuildFailed) as caught:
        engine.builder.build(request_for("COPY nothing-here /x\n"), ignore)
    assert "COPY nothing-here /x" in caught.value.what
    assert "not found" in caught.value.what or "no such file" in caught.value.what


def test_a_dockerfile_that_is_wrong_is_told(engine: DockerEngine, request_for: Request) -> None:
    with pytest.raises(EngineError) as caught:
        engine.builder.build(request_for("RUM x\n"), ignore)
    assert "unknown instruction: RUM" in caught.value.what


def test_a_silent_step_is_named_and_cancelled(engine: DockerEngine, request_for: Request) -> None:
    sleep = a_sleep()
    with pytest.raises(BuildFailed) as caught:
        engine.builder.build(request_for(f"RUN echo before; {sleep}\n", silence_s=4), ignore)
    assert "was silent for 4 s at" in caught.value.what and sleep in caught.value.what
    assert "    before\n" in caught.value.what
    wait_until(lambda: not processes_with(sleep), f"{sleep} ended")


def test_ctrl_c_ends_the_build_in_the_engine(kind: str, request_for: Request) -> None:
    sleep = a_sleep()
    context = request_for(f"RUN echo before; {sleep}\n").context
    child = subprocess.Popen([sys.executable, "-c", CHILD, kind, str(context)], stdout=subprocess.PIPE)
    try:
        wait_until(lambda: bool(processes_with(sleep)), f"{sleep} runs", 60)
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 130
        wait_until(lambda: not processes_with(sleep), f"{sleep} ended")
    finally:
        child.kill()
        child.communicate()


def test_what_a_listener_raises_ends_the_build_in_the_engine(
    engine: DockerEngine, request_for: Request
) -> None:
    sleep = a_sleep()

    def listen(event: BuildEvent) -> None:
        if event.kind == "line":
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        engine.builder.build(request_for(f"RUN echo before; {sleep}\n"), listen)
    wait_until(lambda: not processes_with(sleep), f"{sleep} ended")


def test_build_arguments_are_seen_by_the_step_and_by_nobody_else(
    engine: DockerEngine, request_for: Request, word: str
) -> None:
    seen: list[str] = []
    lines: list[str] = []

    def listen(event: BuildEvent) -> None:
        if event.kind == "line":
            lines.append(event.text)
            seen.extend(line for line in processes_with(word))

    text = f'RUN echo "$HTTP_PROXY" | sha256sum | cut -c1-8; printenv no_proxy; sleep 1 #{uuid.uuid4()}\n'
    arguments = {"HTTP_PROXY": f"http://user:{word}@127.0.0.1:9", "no_proxy": "a,b"}
    made = engine.builder.build(request_for(text, build_args=arguments), listen)
    assert "a,b" in lines and len(lines) == 2
    assert seen == []
    assert word not in everything_in(engine, made)


def test_a_secret_is_seen_by_the_step_and_leaves_no_trace(
    request_for: Request, tmp_path: Path, word: str
) -> None:
    engine = connect(LocalHost())
    secret = tmp_path / "secret"
    secret.write_text(word, encoding="ascii")
    lines: list[str] = []
    text = "RUN --mount=type=secret,id=netrc wc -c < /run/secrets/netrc\nRUN ls /run/secrets | wc -l\n"
    request = request_for(text, secrets={"netrc": secret}, no_cache=True)
    made = engine.builder.build(request, lambda e: lines.append(e.text) if e.kind == "line" else None)
    assert lines == [str(len(word)), "0"]
    assert word not in everything_in(engine, made)


def test_the_classic_builder_refuses_secrets(request_for: Request, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="the classic builder cannot mount secrets"):
        connect(LocalHost(), classic=True).builder.build(request_for("", secrets={"a": tmp_path}), ignore)


def everything_in(engine: DockerEngine, image: str) -> str:
    """Return all texts of an image: configuration, history, and every file that the build added."""
    client = docker.from_env()
    with tempfile.TemporaryFile() as file:
        for chunk in client.images.get(image).save():
            file.write(chunk)
        file.seek(0)
        found = [repr(engine.images.inspect(image)), repr(engine.images.history(image)), *added_files(file)]
    client.close()
    return "\n".join(found)


def added_files(file: IO[bytes]) -> Iterator[str]:
    """Yield what a saved image holds, without its largest layer, which is the base."""
    with tarfile.open(fileobj=file) as archive:
        largest = max(archive.getmembers(), key=lambda member: member.size)
        for member in archive.getmembers():
            inner = archive.extractfile(member) if member.isfile() and member != largest else None
            if inner is not None:
                yield inner.read().decode("utf-8", "replace")
