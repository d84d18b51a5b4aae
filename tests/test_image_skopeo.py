"""Pushing with skopeo: when it is taken, what it is told, and what becomes of its secrets."""

from __future__ import annotations

import base64
import errno
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import gettempdir

import pytest

from envkit.engines.failures import RegistryFailed
from envkit.engines.fake import FakeEngine
from envkit.engines.values import Published
from envkit.errors import EngineError, EnvkitError
from envkit.hosts.base import Command, Silent
from envkit.image.push import PushWish, View, push
from tests.environments import TalkingHost, image

TO = "registry.example:5000/team/lab:1"


@dataclass
class Machine(TalkingHost):
    """A machine with a skopeo that does as it is told: `words` are its last ones, with `code`."""

    free: int = 1 << 40
    code: int = 0
    words: str = ""
    commands: list[Command] = field(default_factory=list)
    logins: list[dict[str, object]] = field(default_factory=list)
    silent: bool = False

    def find_programs(self, name: str) -> tuple[Path, ...]:
        return (Path("/usr/bin/skopeo"),)

    def free_bytes(self, path: Path) -> int:
        return self.free

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        self.commands.append(command)
        told = {word.partition("=")[0]: word.partition("=")[2] for word in command.words}
        self.logins.append(json.loads(Path(told["--dest-authfile"]).read_text("utf-8")))
        assert Path(told["--dest-authfile"]).stat().st_mode & 0o777 == 0o600
        if self.silent:
            raise Silent("it says nothing", fix="wait")
        each_line(self.words)
        if not self.code:
            Path(told["--digestfile"]).write_text("sha256:made", encoding="ascii")
        return self.code


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    auth = base64.b64encode(b"ada:secret").decode()
    logins = {"registry.example:5000": {"auth": auth}, "other.example": {"auth": auth}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": logins}), encoding="utf-8")
    made = FakeEngine()
    made.images.add(image())
    held = Published(digest="sha256:made", config=image().id, layers=(("sha256:l", 7),))
    monkeypatch.setattr(made.images, "published", lambda reference: held)
    return made


@pytest.fixture
def machine() -> Machine:
    return Machine({"/usr/bin/skopeo": "skopeo version 1.9.3\n"})


def send(engine: FakeEngine, machine: TalkingHost, **more: object) -> tuple[str, list[str]]:
    notes: list[str] = []
    view = View(note=notes.append, sent=lambda sent: None, wait=lambda seconds: None)
    wish = PushWish(**{"image": "lab:dev", "to": TO, **more})  # type: ignore[arg-type]
    return push(engine, machine, wish, view).way, notes


def test_skopeo_sends_where_it_is_and_gets_that_registrys_login_alone(
    engine: FakeEngine, machine: Machine
) -> None:
    way, _ = send(engine, machine)
    assert way == "with skopeo 1.9.3, gzip, several layers at once"
    auth = base64.b64encode(b"ada:secret").decode()
    assert machine.logins == [{"auths": {"registry.example:5000": {"auth": auth}}}]
    (command,) = machine.commands
    assert command.words[-1] == f"docker://{TO}" and "--dest-tls-verify=true" in command.words
    assert "secret" not in " ".join(command.words) and auth not in " ".join(command.words)
    assert not Path(command.words[3].partition("=")[2]).parent.exists()
    assert engine.images.registry == {}


def test_the_engine_sends_where_it_has_been_before(engine: FakeEngine, machine: Machine) -> None:
    engine.images.add(replace(image(), digests=("registry.example:5000/team/lab@sha256:1",)))
    with pytest.raises(RegistryFailed, match="was sent as"):  # the registry tells of skopeo's, in this test
        send(engine, machine)
    assert machine.commands == [] and TO in engine.images.registry


def test_without_room_for_its_layout_the_engine_sends(engine: FakeEngine, machine: Machine) -> None:
    machine.free = 1
    with pytest.raises(RegistryFailed, match="was sent as"):
        send(engine, machine)
    assert machine.commands == [] and TO in engine.images.registry


@pytest.mark.parametrize(
    "more", [{"way": "skopeo"}, {"compression": "zstd"}, {"compression": "zstd", "way": "engine"}]
)
def test_what_only_skopeo_can_is_not_done_without_it(engine: FakeEngine, more: dict[str, str]) -> None:
    with pytest.raises(EngineError, match="skopeo cannot be used here"):
        send(engine, TalkingHost(), **more)


@pytest.mark.parametrize("more", [{"way": "skopeo"}, {"compression": "zstd"}])
def test_who_asks_for_skopeo_hears_that_its_layout_has_no_room(
    engine: FakeEngine, machine: Machine, more: dict[str, str]
) -> None:
    machine.free = 1
    with pytest.raises(EnvkitError) as caught:
        send(engine, machine, **more)
    assert caught.value.what.startswith(f"the disk of {gettempdir()} is full: skopeo needs ")
    assert "TMPDIR=" in caught.value.fix
    assert machine.commands == [] and engine.images.registry == {}


@pytest.mark.parametrize("by", ["envkit", "skopeo"])
def test_a_disk_that_fills_up_meanwhile_is_told(
    engine: FakeEngine, machine: Machine, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    def stream(command: Command, each_line: Callable[[str], None]) -> int:
        (folder,) = (word.partition("=")[2] for word in command.words if "digestfile" in word)
        each_line(f'level=fatal msg="Failed to write digest: open {folder}: no space left on device"')
        return 1

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if by == "envkit":
        monkeypatch.setattr("envkit.image.skopeo.write_layout", full)
    monkeypatch.setattr(machine, "stream", stream)
    with pytest.raises(EnvkitError) as caught:
        send(engine, machine)
    assert caught.value.what == f"pushing {TO}: the disk of {gettempdir()} is full"


def test_its_words_are_told_apart_like_the_engines(engine: FakeEngine, machine: Machine) -> None:
    machine.code, machine.words = (
        1,
        r'time="" level=fatal msg="writing \"blob\": HTTP status: 503"',
    )
    with pytest.raises(RegistryFailed) as caught:
        send(engine, machine)
    assert (caught.value.kind, len(machine.commands)) == ("5xx", 4)
    assert 'it is out of order (writing "blob": HTTP status: 503)' in caught.value.what


def test_a_link_on_which_it_hangs_is_given_up(engine: FakeEngine, machine: Machine) -> None:
    machine.silent = True
    with pytest.raises(RegistryFailed, match="nothing has moved"):
        send(engine, machine)
    assert not Path(machine.commands[0].words[2].partition("=")[2]).exists()


def test_layers_that_are_there_as_zstd_are_sent_by_the_engine_for_gzip(
    engine: FakeEngine, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = replace(engine.images.published(TO) or Published(digest=""), has_zstd=True)
    monkeypatch.setattr(engine.images, "published", lambda reference: held)
    assert len(send(engine, machine, compression="zstd")[1]) == 1
    with pytest.raises(RegistryFailed, match="was sent as"):  # the registry tells of skopeo's, in this test
        send(engine, machine)
    assert len(machine.commands) == 2 and TO in engine.images.registry


def test_its_login_lies_in_memory_alone_and_is_gone_afterwards(engine: FakeEngine, machine: Machine) -> None:
    send(engine, machine)
    (file,) = (word.partition("=")[2] for word in machine.commands[0].words if "authfile" in word)
    assert file.startswith(f"/proc/{os.getpid()}/fd/") and not Path(file).exists()


def test_where_memory_has_no_files_it_goes_with_the_push(
    engine: FakeEngine, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    send(engine, machine)
    (file,) = (word.partition("=")[2] for word in machine.commands[0].words if "authfile" in word)
    assert file.endswith("/auth.json") and not Path(file).exists()
