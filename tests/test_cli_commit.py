"""`envkit commit` as a user meets it, without an engine."""

from __future__ import annotations

import json
from dataclasses import replace

import click
import pytest
from click.testing import CliRunner

from envkit.cli import commit as commits
from envkit.cli import elsewhere
from envkit.image.manifest import Manifest
from envkit.save.carry import Committed
from envkit.save.findings import Finding
from envkit.save.plan import CommitOptions, CommitPlan, plan_commit
from envkit.save.sight import Installed, Outside
from tests.saves import BEFORE, a_sight, added

OUTSIDE = Outside(
    target="/work/home",
    source="/home/ada/envkit/home",
    installed=(Installed(kind="pip", name="attrs", version="24"),),
)
NOW: Manifest = replace(BEFORE, apt={**BEFORE.apt, "tree": "2.1"}, pip={"numpy": "2.1"})
FOUND = Finding(where="file", path="/root/.netrc", rule="logins (.netrc)", remedy="drop")
SAID = """\
environment lab (from lab:dev) -> lab:1
saved: 2 files, 3.0 kB
  /usr/bin   1 file  2.0 kB
  /opt/mine  1 file  1.0 kB
  apt
    +  tree  2.1
  pip, the user's Python
    ~  numpy  2.0 -> 2.1
not saved:
  scratch files  1 file  7 B
  /work/home  /home/ada/envkit/home of the machine; installed there: pip attrs 24
secrets:
  /root/.netrc: logins (.netrc); --scrub leaves the file out
"""


def a_plan() -> CommitPlan:
    files = (added("/opt/mine/a", 1000), added("/usr/bin/tree", 2000), added("/tmp/x", 7))
    sight = a_sight(*files, now=NOW, outside=(OUTSIDE,), found=(FOUND,))
    return plan_commit(sight, CommitOptions(tag="lab:1", deep=True), None)


def test_it_says_what_is_saved_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    commits.show(a_plan())
    assert capsys.readouterr().out == SAID


def test_as_json_it_says_the_same_and_no_secret() -> None:
    told = json.loads(json.dumps(commits.told(a_plan())))
    assert told["packages"][0] == {"group": "apt", "name": "tree", "before": None, "after": "2.1"}
    assert told["outside"][0]["installed"] == [{"kind": "pip", "name": "attrs", "version": "24"}]
    assert "sight" not in told


def test_what_to_do_next_names_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    saved = Committed(
        tag="lab:1", image_id="sha256:1", size_bytes=2000, added_bytes=1000, layers=3, seconds=4, verdict=None
    )
    with click.Context(commits.command) as context:
        elsewhere.remember(context, click.Option(["--host"]), "box")
        commits.show_end(saved, "lab")
    said = capsys.readouterr()
    assert said.out == "lab:1 is ready: 2.0 kB (1.0 kB more), 4.0 s, not verified\n"
    assert said.err == (
        "to work in it: `envkit rm lab --host box`, then `envkit up lab:1 --name lab --host box`\n"
    )


def test_help_names_an_example() -> None:
    done = CliRunner().invoke(commits.command, ["--help"])
    assert "envkit commit lab lab:2026-11" in done.output
