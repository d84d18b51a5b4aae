"""Copying: which side is where, what is refused, and what tar is asked for."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult
from envkit.environment.copying import Copied, Place, copy, place
from envkit.environment.up import up
from envkit.errors import EnvkitError, UsageError
from tests.environments import Door, a_request, a_site


@dataclass
class Tar:
    """Answers as tar does; remembers what it was given."""

    code: int = 0
    gives: bytes = b""
    got: bytes = b""
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        self.asked.append(request.command)
        self.got = request.stdin
        return ExecResult(code=self.code, stdout=self.gives, stderr=b"tar: no")


@dataclass
class Inside(dict):  # type: ignore[type-arg]
    """The scripts of an environment: what is at a path, and tar."""

    tar: Tar
    there: dict[str, tuple[str, str, str]]  # path → kind, filesystem, nearest

    def get(self, command: tuple[str, ...], default: object = None) -> object:
        if command[0] == "tar":
            return self.tar
        kind, filesystem, near = self.there[command[-1]]
        text = f"{kind}\n{filesystem}\n{near}\n{command[-1]}\n"
        return ExecResult(code=0, stdout=text.encode(), stderr=b"")


@pytest.fixture
def tar() -> Tar:
    return Tar()


@pytest.fixture
def engine(tar: Tar) -> FakeEngine:
    """An engine on which `lab` runs."""
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    there = {
        "/opt": ("folder", "overlayfs", "/opt"),
        "/opt/": ("folder", "overlayfs", "/opt/"),
        "/opt/file": ("file", "overlayfs", "/opt/file"),
        "/opt/new": ("nothing", "overlayfs", "/opt"),
        "/opt/no/new": ("nothing", "overlayfs", "/opt"),
        "/run/secrets/x": ("nothing", "tmpfs", "/run/secrets"),
        "/run/secrets": ("folder", "tmpfs", "/run/secrets"),
        "/dev/shm": ("folder", "tmpfs", "/dev/shm"),
        "/work/home": ("folder", "tmpfs", "/work/home"),
        "/": ("folder", "overlayfs", "/"),
    }
    engine.inside.scripts = Inside(tar=tar, there=there)
    return engine


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n", encoding="ascii")
    return path


def into(engine: FakeEngine, source: Path, path: str) -> Copied:
    return copy(engine, Place(path=str(source)), Place(path=path, environment="lab"), print)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lab:/work", Place(path="/work", environment="lab")),
        ("lab:", Place(path=".", environment="lab")),
        ("./a:b", Place(path="./a:b")),
        ("/x", Place(path="/x")),
    ],
)
def test_a_name_before_a_colon_is_an_environment(text: str, expected: Place) -> None:
    assert place(text) == expected


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/opt", "lab:/opt/data.csv"),
        ("/opt/new", "lab:/opt/new"),
        ("/work/home", "lab:/work/home/data.csv"),  # of the host, whatever it lies on
    ],
)
def test_a_copy_goes_into_a_folder_or_gets_a_new_name(
    engine: FakeEngine, tar: Tar, source: Path, path: str, target: str
) -> None:
    assert into(engine, source, path).target == target
    assert tar.asked[0][-1] == f"--directory={Path(target.removeprefix('lab:')).parent}"
    with tarfile.open(fileobj=io.BytesIO(tar.got)) as sent:
        [entry] = sent.getmembers()
        assert (entry.name, entry.uid, entry.uname) == (Path(target).name, 0, "")


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/run/secrets/x", "/run/secrets/x lies in memory (tmpfs): x would be gone with the next stop"),
        ("/dev/shm", "/dev/shm lies in memory (tmpfs): data.csv would be gone with the next stop"),
        ("/opt/no/new", "environment lab has no folder /opt/no"),
    ],
)
def test_a_copy_that_would_be_lost_is_refused(
    engine: FakeEngine, tar: Tar, source: Path, path: str, what: str
) -> None:
    with pytest.raises(UsageError) as caught:
        into(engine, source, path)
    assert caught.value.what == what
    assert tar.asked == []


def test_a_folder_does_not_take_the_place_of_a_file(engine: FakeEngine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="/opt/file is a file, not a folder"):
        into(engine, tmp_path, "/opt/file")


def test_a_copy_comes_out_under_its_own_name(engine: FakeEngine, tar: Tar, tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = 2
        archive.addfile(entry, io.BytesIO(b"hi"))
    tar.gives = made.getvalue()
    done = copy(engine, Place(path="/opt/file", environment="lab"), Place(path=str(tmp_path)), print)
    assert done.target == str(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"hi"
    assert tar.asked == [("tar", "--create", "--file=-", "--directory=/opt", "--", "file")]


@pytest.mark.parametrize(
    ("path", "what"),
    [("/run/secrets/x", "has no /run/secrets/x"), ("/run/secrets", "secrets are not"), ("/", "the whole of")],
)
def test_secrets_and_everything_stay_inside(
    engine: FakeEngine, tar: Tar, tmp_path: Path, path: str, what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        copy(engine, Place(path=path, environment="lab"), Place(path=str(tmp_path)), print)
    assert tar.asked == []


def test_what_tar_says_is_told(engine: FakeEngine, tar: Tar, source: Path, tmp_path: Path) -> None:
    tar.code = 2
    with pytest.raises(EnvkitError) as caught:
        into(engine, source, "/opt")
    assert caught.value.what == "tar in environment lab ended with 2: tar: no"
    with pytest.raises(EnvkitError, match="ended with 2: tar: no"):
        copy(engine, Place(path="/opt/file", environment="lab"), Place(path=str(tmp_path)), print)


@pytest.mark.parametrize("environment", ["lab", None])
def test_exactly_one_side_is_an_environment(engine: FakeEngine, environment: str | None) -> None:
    side = Place(path="/x", environment=environment)
    with pytest.raises(UsageError, match="one side is NAME:PATH"):
        copy(engine, side, side, print)


def test_what_is_not_here_is_not_copied(engine: FakeEngine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no .*/gone on this machine"):
        into(engine, tmp_path / "gone", "/opt")
