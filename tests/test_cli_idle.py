"""`envkit idle explain` and `envkit keep` as a user meets them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from envkit.cli.main import envkit
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ExecResult
from envkit.environment.idle import PROGRAM
from envkit.environment.up import up
from tests.environments import Door, a_request, a_site

QUIET = {"active": False, "failed": False, "mark": ""}
TOLD = {
    "state": "quiet",
    "why": "quiet for 3 min",
    "idle_after_s": 7200.0,
    "stops_in_s": 7020.0,
    "kept_s": 0.0,
    "signals": [
        {**QUIET, "name": "vscode", "value": "no connection", "quiet_s": 180.0},
        {**QUIET, "name": "cpu", "value": "at most 0.3% of a core (counts from 2%)", "quiet_s": None},
        {**QUIET, "name": "kernels", "value": "1 of 1 busy", "quiet_s": 0.0, "active": True},
        {
            **QUIET,
            "name": "jupyter",
            "value": "cannot be told: it answers 500",
            "quiet_s": 0.0,
            "failed": True,
        },
    ],
}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """An engine on which `lab` runs, and stops when nobody uses it."""
    site, found, _ = a_site(Door())
    up(site, a_request(idle_stop_s=7200), lambda line: None)
    monkeypatch.setattr("envkit.cli.site.open_engine", lambda host_name=None: found)
    return found


def run(engine: FakeEngine, told: dict[str, object], *words: str) -> Result:
    answer = ExecResult(code=0, stdout=json.dumps(told).encode(), stderr=b"")
    engine.inside.scripts[(PROGRAM, "explain")] = answer
    return CliRunner().invoke(envkit, list(words))


def test_every_signal_has_its_line(engine: FakeEngine) -> None:
    done = run(engine, TOLD, "idle", "explain", "lab")
    assert (done.exit_code, done.stdout) == (
        0,
        "environment lab: quiet; it stops in 1 h 57 min if nobody uses it\n"
        "  vscode   quiet for 3 min  no connection\n"
        "  cpu      quiet            at most 0.3% of a core (counts from 2%)\n"
        "  kernels  in use           1 of 1 busy\n"
        "  jupyter  unknown          cannot be told: it answers 500\n",
    )


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"state": "active"}, "active; it stops after 2 h without use"),
        (
            {"state": "kept", "kept_s": 28_800.0},
            "kept; it stops in 1 h 57 min if nobody uses it, and not in the next 8 h (`envkit keep`)",
        ),
        (
            {"idle_after_s": None, "stops_in_s": None},
            "quiet; it never stops by itself (`envkit up --idle-stop 2h` makes one that does)",
        ),
    ],
)
def test_the_first_line_says_what_follows(engine: FakeEngine, more: dict[str, object], line: str) -> None:
    done = run(engine, {**TOLD, "signals": [], **more}, "idle", "explain")
    assert done.stdout == f"environment lab: {line}\n"


def test_json_holds_all_of_it(engine: FakeEngine) -> None:
    told = json.loads(run(engine, TOLD, "idle", "explain", "--json").stdout)
    assert (told["name"], told["stops_in_s"], len(told["signals"])) == ("lab", 7020.0, 4)


def test_keep_says_for_how_long(engine: FakeEngine) -> None:
    for seconds in ("28800", "5400", "0"):
        engine.inside.scripts[(PROGRAM, "keep", seconds)] = ExecResult(code=0, stdout=b"", stderr=b"")
    said = [
        CliRunner().invoke(envkit, ["keep", "lab", *more]).stderr
        for more in ([], ["--for", "90m"], ["--off"])
    ]
    assert said == [
        "environment lab is kept for 8 h\n",
        "environment lab is kept for 1 h 30 min\n",
        "environment lab is not kept\n",
    ]


def test_a_wrong_time_is_the_users_mistake(engine: FakeEngine) -> None:
    done = CliRunner().invoke(envkit, ["keep", "lab", "--for", "long"])
    assert (done.exit_code, done.stderr) == (
        2,
        "error: --for long: not a duration\n  fix: write it as in --for 2h or --for 90m\n",
    )
