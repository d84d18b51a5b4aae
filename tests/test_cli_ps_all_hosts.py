"""`envkit ps --all-hosts`: every machine is asked, and one that does not answer hides no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envkit.cli import site as cli_site
from envkit.cli.main import envkit
from envkit.cli.site import Seen
from envkit.environment.states import environments
from envkit.environment.up import up
from envkit.hosts import registry
from envkit.hosts.registry import HostEntry
from tests.environments import Door, a_request, a_site


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("far", "gpu1"):
        registry.add(HostEntry(name=name, target=name))
    site, engine, _ = a_site(Door())
    up(site, a_request(), lambda line: None)
    answers = {
        None: Seen(host=None),
        "far": Seen(host="far", unreachable="far:22 refuses connections"),
        "gpu1": Seen(host="gpu1", environments=environments(engine)),
    }
    monkeypatch.setattr(cli_site, "seen_from", answers.__getitem__)


def ps(*words: str) -> Result:
    return CliRunner().invoke(envkit, ["ps", "--all-hosts", *words])


def test_each_environment_stands_beside_its_host_and_the_silent_are_named() -> None:
    done = ps()
    assert done.exit_code == 0
    header, row = (line.split() for line in done.stdout.splitlines())
    assert header == ["HOST", "NAME", "STATE", "IMAGE", "URL"]
    assert row[:3] == ["gpu1", "lab", "running"]
    assert done.stderr == "far does not answer: far:22 refuses connections\n"


def test_json_has_every_machine() -> None:
    found = json.loads(ps("--json").stdout)
    assert [one["host"] for one in found] == [None, "far", "gpu1"]
    assert [bool(one["unreachable"]) for one in found] == [False, True, False]


def test_one_host_and_all_hosts_exclude_each_other() -> None:
    assert ps("--host", "gpu1").exit_code == 2
