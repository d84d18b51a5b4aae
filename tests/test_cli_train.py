"""`envkit train`'s own words: what belongs to the script, and what it is called."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from envkit.cli import train_nodes
from envkit.cli.main import envkit
from envkit.cli.resources import Resources
from envkit.errors import UsageError
from envkit.run import plan
from envkit.run.folder import RunFolder
from envkit.run.going import Going

NOTHING = dict.fromkeys(Resources.__dataclass_fields__)


def run(*words: str) -> Result:
    return CliRunner().invoke(envkit, ["train", *words])


@pytest.mark.parametrize(
    "words", [("train.py", "--epochs", "3"), ("train.py", "more"), ("train.py", "-x"), ("a.py", "b.py")]
)
def test_what_is_the_scripts_own_comes_after_two_dashes(words: tuple[str, ...]) -> None:
    told = run(*words)
    assert told.exit_code == 2
    assert "what stands after `--` is the script's own: envkit train train.py -- --epochs 3" in told.stderr


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("--resume",), "--name NAME says it"),
        (("--on", "oom"), "as in --retries 3 --on oom"),
        (("--retries", "1", "--on", "oom,host-lost", "--env", "lab"), "--image in place of --env"),
    ],
)
def test_an_option_that_says_nothing_by_itself_is_refused(words: tuple[str, ...], fix: str) -> None:
    told = run("train.py", *words)
    assert told.exit_code == 2 and fix in told.stderr, told.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_a_run_on_nodes_that_is_left_alone_says_who_brings_its_token_back(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    part: Any = SimpleNamespace(machine=SimpleNamespace(name="box"))
    folder = RunFolder(path=PurePosixPath("/home/task/r"))
    started = Going(name="r", folder=folder, container="c", survives=True)
    train_nodes.show_detached((part,), (started,), as_json=as_json)
    said = capsys.readouterr()
    assert "waits 15 minutes for the token" in (json.loads(said.out)["note"] if as_json else said.err)


def test_help_shows_where_the_scripts_arguments_stand() -> None:
    told = run("--help")
    assert "Usage: envkit train [OPTIONS] [SCRIPT] [-- ARGS]" in told.stdout
    assert told.exit_code == 0 and "Example: envkit train" in told.stdout


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("/a b/my train.py", "my-train"),
        ("train.sh", "train"),
        ("pkg.sub.mod", "pkg-sub-mod"),
        ("/usr/bin/torchrun", "torchrun"),
        ("训练.py", "run"),
        ("-.py", "run"),
        ("x" * 80, "x" * 30),
    ],
)
def test_a_run_is_named_after_its_script_and_the_time(script: str, name: str) -> None:
    found = plan.default_name(script, "20261127-120000", "ab12")
    assert found == f"{name}-20261127-120000-ab12" == plan.checked_name(found)


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a b", "ü", "x" * 64, "..", "a\n"])
def test_a_name_is_part_of_a_path_and_of_a_containers_name(name: str) -> None:
    with pytest.raises(UsageError):
        plan.checked_name(name)


@pytest.mark.parametrize(("text", "count"), [("auto", None), ("1", 1), ("16", 16)])
def test_processes_are_a_number_or_one_per_card(text: str, count: int | None) -> None:
    assert plan.processes(text) == count


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "100000", ""])
def test_no_other_number_of_processes_is_taken(text: str) -> None:
    with pytest.raises(UsageError, match="is no number of processes"):
        plan.processes(text)


def test_only_known_reasons_are_retried() -> None:
    assert plan.checked_reasons(("oom", "killed")) == ("oom", "killed")
    with pytest.raises(UsageError, match="'bored' is no reason"):
        plan.checked_reasons(("bored",))


def test_nothing_asked_of_the_container_leaves_the_choice() -> None:
    assert not Resources(**{**NOTHING, "mounts": ()}).is_any  # type: ignore[arg-type]
    assert Resources(**{**NOTHING, "mounts": (), "memory": "1g"}).is_any  # type: ignore[arg-type]
