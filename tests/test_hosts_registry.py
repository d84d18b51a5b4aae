"""The list of hosts: what is kept, and who may read it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from envkit.errors import HostError, UsageError
from envkit.hosts import registry
from envkit.hosts.registry import HostEntry, HostFacts
from envkit.hosts.ssh_target import Target, parse_target

BOX = HostEntry(name="box", target="ada@box:2222")
FACTS = HostFacts(
    asked_at="2026-11-26T18:00:00+00:00", system="Debian", user="ada", uid=1000, cards=("a", "a")
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "envkit"


def test_a_host_is_found_as_it_was_added(folder: Path) -> None:
    registry.add(BOX)
    registry.add(BOX)
    assert registry.entries() == (BOX,)
    assert (folder / "hosts.json").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_facts_are_kept_with_their_age() -> None:
    registry.add(BOX)
    registry.keep_facts("box", FACTS)
    registry.keep_facts("gone", FACTS)
    assert registry.entry("box").facts == FACTS
    assert len(registry.entries()) == 1


def test_a_name_means_one_machine() -> None:
    registry.add(BOX)
    with pytest.raises(UsageError, match="host box is there already: ada@box:2222"):
        registry.add(HostEntry(name="box", target="ada@other"))


def test_a_mistyped_name_is_told_the_likely_one() -> None:
    registry.add(BOX)
    with pytest.raises(UsageError) as caught:
        registry.entry("bax")
    assert (caught.value.what, caught.value.fix) == ("there is no host 'bax'", "did you mean box?")


def test_a_host_is_forgotten_once() -> None:
    registry.add(BOX)
    assert registry.remove("box") == BOX
    with pytest.raises(UsageError, match="there is no host 'box'"):
        registry.remove("box")


def test_two_at_once_lose_nothing() -> None:
    names = [f"h{number}" for number in range(20)]
    threads = [
        threading.Thread(target=registry.add, args=(HostEntry(name=name, target="x"),)) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.name for one in registry.entries()) == sorted(names)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"hosts": {"box": {}}}', '{"hosts": {"box": 1}}'])
def test_a_broken_list_is_said(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "hosts.json").write_text(text, "utf-8")
    with pytest.raises(HostError, match=r"hosts\.json"):
        registry.entries()


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("box", Target(host="box")),
        ("ada@box", Target(host="box", user="ada")),
        ("ssh://ada@box:2222", Target(host="box", user="ada", port=2222)),
        ("ada@[::1]:22", Target(host="::1", user="ada", port=22)),
        ("a.b@corp@10.0.0.1", Target(host="10.0.0.1", user="a.b@corp")),
    ],
)
def test_a_machine_is_read(text: str, target: Target) -> None:
    assert parse_target(text) == target
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    "text", ["", "-oProxyCommand=x", "a@-x", "box:0", "box:99999", "a b", "box:x", "box\n"]
)
def test_what_is_no_machine_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)


@pytest.mark.parametrize("name", ["", "Box", "-x", "a b", "a/b", "x" * 64])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        registry.add(HostEntry(name=name, target="box"))


def test_a_folder_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/none")  # nobody may make a folder there, root neither
    with pytest.raises(HostError, match=r"/proc/none/envkit/hosts\.json cannot be written") as caught:
        registry.add(BOX)
    assert caught.value.fix == "set XDG_CONFIG_HOME to a folder of yours"
