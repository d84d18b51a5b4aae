"""`envkit host`: naming machines; nothing here connects to one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envkit.cli import host as cli_host
from envkit.cli.main import envkit
from envkit.errors import HostError, UsageError
from envkit.hosts import registry
from envkit.hosts.failures import HostKey
from envkit.hosts.registry import HostFacts

KEY = HostKey(name="box", kind="ssh-ed25519", base64="AAAA", fingerprint="SHA256:abc")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def host(*words: str) -> Result:
    return CliRunner().invoke(envkit, ["host", *words])


def test_a_host_is_added_listed_and_forgotten() -> None:
    assert host("list").stderr == "there is no host; `envkit host add` names one\n"
    assert host("add", "box", "ada@box:2222").stderr == (
        "host box is ada@box:2222; next: envkit host trust box\n"
    )
    assert host("list").stdout.splitlines()[1].split() == ["box", "ada@box:2222", "never"]
    assert json.loads(host("list", "--json").stdout)[0]["facts"] is None
    assert host("rm", "box").stderr == "host box (ada@box:2222) is forgotten; what runs there goes on\n"
    assert host("rm", "box").exit_code == 2


def test_what_a_host_was_is_listed_with_its_age() -> None:
    host("add", "box", "box")
    facts = HostFacts(
        asked_at="2026-01-01T00:00:00+00:00",
        system="Debian",
        user="ada",
        uid=1000,
        engine="docker 28.0",
        architecture="arm64",
        cards=("x", "x"),
        driver="570",
        free_bytes=10**12,
    )
    registry.keep_facts("box", facts)
    row = host("list").stdout.splitlines()[1]
    assert "docker 28.0 (arm64)  2, driver 570  1.0 TB" in row
    assert row.endswith("ago")


def test_a_key_is_trusted_without_a_question_only_by_its_fingerprint() -> None:
    cli_host._accept("box", KEY, ("SHA256:xyz", "SHA256:abc"))
    with pytest.raises(HostError, match="box shows another key than you expect: ssh-ed25519 SHA256:abc"):
        cli_host._accept("box", KEY, ("SHA256:xyz",))


def test_nobody_there_to_ask_is_no_yes() -> None:
    with pytest.raises(UsageError) as caught:
        cli_host._accept("box", KEY, ())
    assert caught.value.fix == (
        "compare it on that machine, then: envkit host trust box --fingerprint SHA256:abc"
    )


def test_a_mistyped_target_is_refused() -> None:
    done = host("add", "box", "-oProxyCommand=x")
    assert done.exit_code == 2
