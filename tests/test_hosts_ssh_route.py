"""The way to a host, as ~/.ssh/config has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envkit.errors import HostError
from envkit.hosts.openssh import PrivateFolder, configured
from envkit.hosts.ssh_route import Settings, ask_paramiko, ask_ssh, route
from envkit.hosts.ssh_target import Target, parse_target

CONFIG = """
Host gpu
  HostName 10.0.0.7
  Port 2207
  User rui
  ProxyJump first,ada@second:2202
  IdentitiesOnly yes
  IdentityFile ~/keys/%h
Host first
  HostName 10.0.0.1
  ProxyCommand nc -x proxy %h %p %%
Host second
  ProxyJump nowhere
Host round
  ProxyJump about
Host about
  ProxyJump round
Host alias
  HostName 10.0.0.9
  Port 99
  HostKeyAlias Known
  IdentityAgent none
"""


@pytest.fixture(params=["paramiko", pytest.param("ssh", marks=pytest.mark.real)])
def look_up(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Target], Settings]:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(CONFIG, "utf-8")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "10.0.0.7").write_text("a key", "utf-8")
    if request.param == "paramiko":
        return ask_paramiko
    folder = PrivateFolder()
    request.addfinalizer(folder.remove)
    return ask_ssh(configured(folder))


def test_every_jump_has_its_own_settings(look_up: Callable[[Target], Settings]) -> None:
    first, second, last = route(parse_target("gpu"), look_up)
    assert (first.host, first.port, first.proxy_command) == ("10.0.0.1", 22, "nc -x proxy 10.0.0.1 22 %")
    assert (second.host, second.port, second.user, second.proxy_command) == ("second", 2202, "ada", None)
    assert (last.host, last.port, last.user, last.key_name) == ("10.0.0.7", 2207, "rui", "[10.0.0.7]:2207")
    assert last.identities_only and last.agent


def test_what_the_user_says_beats_the_file(look_up: Callable[[Target], Settings]) -> None:
    last = route(parse_target("ada@gpu:24"), look_up)[-1]
    assert (last.user, last.port) == ("ada", 24)


def test_an_alias_names_the_key_and_an_agent_can_be_left_out(look_up: Callable[[Target], Settings]) -> None:
    (hop,) = route(parse_target("alias"), look_up)
    assert (hop.host, hop.port, hop.key_name, hop.agent) == ("10.0.0.9", 99, "known", False)


def test_a_name_that_no_file_knows_is_taken_as_it_is(look_up: Callable[[Target], Settings]) -> None:
    (hop,) = route(parse_target("ada@box"), look_up)
    assert (hop.host, hop.port, hop.user, hop.key_name) == ("box", 22, "ada", "box")


def test_a_circle_is_said(look_up: Callable[[Target], Settings]) -> None:
    with pytest.raises(HostError, match="goes in a circle"):
        route(parse_target("round"), look_up)


def test_the_settings_name_a_key_by_the_machine_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "10.0.0.7").write_text("a key", "utf-8")
    settings = {"hostname": ["10.0.0.7"], "identityfile": ["~/%h", "~/gone"]}
    (hop,) = route(parse_target("gpu"), lambda target: settings)
    assert hop.identities == (tmp_path / "10.0.0.7",)
