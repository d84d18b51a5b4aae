"""The engines that must behave alike: the fake, and Docker with a small image of the tests' own."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
import pytest

from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.fake import FakeEngine
from envkit.engines.fake_images import EMPTY
from envkit.engines.values import OWNED, BuildRequest, ContainerFacts, ExecRequest, ExecResult, RunRequest
from envkit.errors import EngineError
from envkit.hosts.local import LocalHost

MARK = {"io.envkit.test": "contract"}
LAB = "io.envkit.test.lab"
DOCKERFILE = """FROM debian:12
ENV GREETING="hello there"
LABEL io.envkit.name=contract
USER 1000:0
CMD ["sleep", "300"]
"""
FAILING = "FROM debian:12\nRUN echo last words; exit 3\n"
# What the contract runs in containers, for the engine that runs nothing.
ENDINGS = {
    ("sh", "-c", "exit 7"): (7, b""),
    ("sh", "-c", "echo out; echo err >&2"): (0, b"out\nerr\n"),
    ("sh", "-c", "seq 1 5; printf end"): (0, b"1\n2\n3\n4\n5\nend"),
    ("perl", "-e", "print 'x' x 50_000"): (0, b"x" * 50_000),
    ("sh", "-c", "kill -9 $$"): (137, b""),
}


@dataclass(frozen=True, kw_only=True)
class Lab:
    """An engine with a place to work: what is made under its names is cleaned up."""

    engine: Engine
    name: str  # a name that nobody else has
    image: str  # a small image that sleeps
    make_foreign: Callable[[str], None]  # make a container of that name that is not envkit's

    @property
    def labels(self) -> dict[str, str]:
        """What makes an image this test's own: one of the same bytes is another session's as well."""
        return {**MARK, LAB: self.name}

    def request(self, **more: object) -> RunRequest:
        return RunRequest(**{"image": self.image, "name": self.name, "labels": MARK, **more})  # type: ignore[arg-type]

    def running(self, **more: object) -> str:
        made = self.engine.containers.create(self.request(**more))
        self.engine.containers.start(made)
        return made

    def build(self, folder: Path, text: str, labels: dict[str, str] | None = None) -> str:
        (folder / "Dockerfile").write_text(text, encoding="utf-8")
        request = BuildRequest(context=folder, labels={**self.labels, **(labels or {})})
        return self.engine.builder.build(request, lambda event: None)


def rootfs(folder: Path, mark: str) -> Path:
    """Write a root filesystem of one file."""
    path = folder / "root.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("mark")
        entry.size = len(mark)
        archive.addfile(entry, io.BytesIO(mark.encode()))
    return path


REAL = pytest.mark.real


@pytest.fixture(params=["fake", pytest.param("docker", marks=REAL)])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """Every engine must pass the same tests: that keeps the fake honest."""
    yield from _lab(request, tmp_path)


@pytest.fixture(params=["fake", pytest.param("docker", marks=REAL), pytest.param("classic", marks=REAL)])
def building(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """Every builder must pass the same tests."""
    yield from _lab(request, tmp_path)


def _lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    name = f"envkit-contract-{uuid.uuid4().hex[:8]}"
    folder = tmp_path / "lab"
    folder.mkdir()
    if request.param == "fake":
        yield _fake(name, folder)
        return
    request.getfixturevalue("debian")
    client = docker.from_env()
    lab = _docker(client, name, folder, classic=request.param == "classic")
    try:
        yield lab
    finally:
        _clean(client, name)
        client.close()


def _fake(name: str, folder: Path) -> Lab:
    engine = FakeEngine()
    engine.images.import_rootfs(rootfs(folder, "debian"), "debian:12", {})
    engine.builder.failures["exit 3"] = ("last words",)
    engine.containers.endings.update(ENDINGS)
    engine.inside.scripts.update(
        {
            ("sh", "-c", "echo out; echo err >&2; exit 3"): ExecResult(
                code=3, stdout=b"out\n", stderr=b"err\n"
            ),
            ("pwd",): lambda facts, asked: ExecResult(
                code=0, stdout=(asked.directory or "/").encode() + b"\n", stderr=b""
            ),
            ("sh", "-c", "test -t 0 && sleep 1; stty size"): ExecResult(
                code=0, stdout=b"33 77\r\n", stderr=b""
            ),
            ("cat",): lambda facts, asked: ExecResult(code=0, stdout=asked.stdin, stderr=b""),
            ("printenv", "WORD"): lambda facts, asked: ExecResult(
                code=0, stdout=asked.env["WORD"].encode() + b"\n", stderr=b""
            ),
            ("id", "-u"): lambda facts, asked: ExecResult(
                code=0, stdout=(asked.user or facts.user).partition(":")[0].encode() + b"\n", stderr=b""
            ),
            ("sleep", "60"): _too_long,
        }
    )
    lab = Lab(engine=engine, name=name, image=name, make_foreign=_fake_foreign(engine))
    engine.images.tag(lab.build(folder, DOCKERFILE), name)
    return lab


def _too_long(facts: ContainerFacts, asked: ExecRequest) -> ExecResult:
    raise EngineError(f"sleep did not end within {asked.timeout_s:.0f} s", fix="wait longer")


def _fake_foreign(engine: FakeEngine) -> Callable[[str], None]:
    def make(name: str) -> None:
        image = engine.images.add(EMPTY)
        facts = ContainerFacts(
            id="f" * 64, name=name, image=image.id, state="created", exit_code=None,
            labels={OWNED: "true"}, ports={},
            mounts=(), created="2026-01-01T00:00:00Z", user="",
        )  # fmt: skip
        engine.containers.add(facts)

    return make


def _docker(client: docker.DockerClient, name: str, folder: Path, *, classic: bool) -> Lab:
    engine = connect(LocalHost(), classic=classic)

    def make_foreign(container: str) -> None:
        # What an image of ours passes on to anybody's container.
        client.containers.create(
            "debian:12", ["sleep", "300"], name=container, labels={**MARK, OWNED: "true"}
        )

    lab = Lab(engine=engine, name=name, image=name, make_foreign=make_foreign)
    engine.images.tag(lab.build(folder, DOCKERFILE), name)
    return lab


def _clean(client: docker.DockerClient, name: str) -> None:
    """Remove what carries this test's name; the image itself goes with its last one."""
    for container in client.containers.list(all=True, filters={"name": name}):
        container.remove(force=True, v=True)
    for image in client.images.list():
        for tag in image.tags:
            if name in tag:
                client.images.remove(tag, force=False)
    for image in client.images.list(filters={"label": f"{LAB}={name}", "dangling": True}):
        with suppress(docker.errors.APIError):  # another one is made from it
            client.images.remove(image.id, force=False)
