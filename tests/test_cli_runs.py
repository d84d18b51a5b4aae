"""What the commands for training runs print."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envkit.cli.main import envkit
from envkit.environment.site import Site
from envkit.run.folder import End, Frame, RunFolder, Stop
from tests.run_folders import container, environment, make, site

FINISHED = End(state="finished", sentence="it finished", started=1000.0, ended=1007.5)
FAILED = End(
    state="failed",
    cause="script-error",
    code=1,
    sentence="ValueError: bad, in train.py:7",
    frame=Frame(file="/work/home/train.py", line=7, function="main", text="raise ValueError('bad')"),
    started=1001.0,
    ended=1003.0,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("TZ", "UTC")
    found = site(tmp_path, container("goes", tmp_path), environment("lab", tmp_path, id="lab"))
    for name in ("looked_at", "open_site"):
        monkeypatch.setattr(f"envkit.cli.site.{name}", lambda host_name=None: found)
    make(tmp_path, "done", end=FINISHED)
    printed(make(tmp_path, "bad", end=FAILED), b"epoch 1\nepoch 2\nTraceback\n")
    make(tmp_path, "goes")
    return found


def printed(folder: RunFolder, text: bytes) -> None:
    Path(folder.attempt(1).log(0)).write_bytes(text)


def run(*words: str) -> Result:
    return CliRunner().invoke(envkit, list(words))


@pytest.mark.usefixtures("place")
def test_runs_are_listed_with_what_became_of_them() -> None:
    assert run("runs").stdout == (
        "NAME  STATE     WHERE    DEVICES  STARTED           TOOK\n"
        "bad   failed    cpu:dev  cpu      1970-01-01 00:16  2.0 s\n"
        "  ValueError: bad, in train.py:7\n"
        "done  finished  cpu:dev  cpu      1970-01-01 00:16  7.5 s\n"
        "goes  running   cpu:dev  cpu      1970-01-01 00:16  16 min 40 s\n"
    )
    assert run("runs", "--state", "failed", "--state", "lost").stdout.count("\n") == 3
    assert run("runs", "--last", "1").stdout.count("\n") == 3
    assert run("runs", "--state", "lost").stderr == "there is no such run\n"


@pytest.mark.usefixtures("place")
def test_json_tells_all_that_is_known_of_a_run() -> None:
    found = {one["name"]: one for one in json.loads(run("runs", "--json").stdout)}
    assert (found["bad"]["state"], found["bad"]["end"]["frame"]["line"]) == ("failed", 7)
    assert found["goes"]["end"] is None
    assert found["done"]["record"]["script"] == "/work/home/train.py"


@pytest.mark.usefixtures("place")
def test_what_a_run_printed_is_printed() -> None:
    assert run("logs", "bad").stdout == "epoch 1\nepoch 2\nTraceback\n"
    assert run("logs", "goes").stderr == "run goes is running and has printed nothing yet\n"


@pytest.mark.usefixtures("place")
def test_options_of_the_other_kind_are_refused() -> None:
    assert run("logs", "bad", "--since", "10m").exit_code == 2
    assert run("logs", "lab", "--rank", "0").exit_code == 2
    assert run("logs", "bad", "-f", "--attempt", "7").exit_code == 2
    assert run("stop", "lab", "--now").exit_code == 2


@pytest.mark.usefixtures("place")
def test_one_that_has_ended_is_followed_to_its_end() -> None:
    done = run("attach", "bad", "--tail", "0")
    assert (done.exit_code, done.stderr.splitlines()[:2]) == (
        8,
        [
            "run bad: ValueError: bad, in train.py:7",
            "    raise ValueError('bad')",
        ],
    )
    assert run("attach", "done").exit_code == 0


def test_a_cause_that_is_known_is_told_with_its_fix(place: Site) -> None:
    words = "EOFError: EOF when reading a line"
    make(Path(place.home), "typed", end=replace(FAILED, words=words, frame=None))
    assert run("attach", "typed").stderr.splitlines()[1:3] == [
        "  cause: the script waits for somebody to type (input(), breakpoint()), and a run has no keyboard",
        "  fix: in a terminal: `envkit shell`, then python train.py",
    ]


@pytest.mark.usefixtures("place")
def test_waiting_tells_by_its_exit_code_whether_it_finished() -> None:
    assert (run("wait", "done").exit_code, run("wait", "done").stdout) == (
        0,
        "run done: it finished\n",
    )
    assert run("wait", "bad").exit_code == 8
    assert run("wait", "goes", "--for", "running").stdout == "run goes: running\n"
    assert run("wait", "goes", "--timeout", "0").exit_code == 1


@pytest.mark.usefixtures("place")
def test_stopping_what_has_ended_says_so() -> None:
    assert run("stop", "bad").stderr == "run bad had ended already: ValueError: bad, in train.py:7\n"


def test_removing_shows_what_is_lost_and_asks(place: Site) -> None:
    done = run("rm", "bad")
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "run bad (failed)",
        f"  is lost   {place.home}/task/bad: model/ 4.1 kB, logs 8.2 kB, the rest 4.1 kB",
        "error: nobody can be asked here",
        "  fix: envkit rm bad --yes",
    ]
    folder = f"{place.home}/task/bad"  # as a run of another home is named
    assert run("rm", folder).stderr.endswith(f"  fix: envkit rm {folder} --yes\n")
    assert (
        run("rm", "goes", "--yes").stderr == "error: run goes is running\n  fix: `envkit stop goes` first\n"
    )


def test_two_runs_are_compared(place: Site) -> None:
    assert run("compare", "done", "bad").stdout == (
        "done -> bad\n"
        "run\n"
        "  ~  state  finished -> failed\n"
        "  ~  took   7.5 s -> 2.0 s\n"
        "  +  why    ValueError: bad, in train.py:7\n"
    )
    assert json.loads(run("compare", "done", "done", "--json").stdout)["changes"] == []


def test_one_that_stops_is_told_so_in_the_list(tmp_path: Path, place: Site) -> None:
    make(tmp_path, "saves", stop=Stop(by="user", time=1.0))
    place.engine.containers.add(container("saves", tmp_path, id="saves"))  # type: ignore[attr-defined]  # a fake's
    assert "saves  stopping" in run("runs").stdout
