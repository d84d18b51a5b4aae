"""`envkit train --check`: what it prints, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envkit.cli.main import envkit
from envkit.run.check import before

BAD = "import torch\nmodel = torch.nn.DataParallel(model)\nmodel = torch.jit.script(model)\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "train.py"


def run(*words: object) -> Result:
    return CliRunner().invoke(envkit, ["train", "--check", *map(str, words)])


def test_what_surely_fails_is_named_first_and_ends_with_8(script: Path) -> None:
    script.write_text(BAD)
    told = run(script)
    assert told.exit_code == 8
    assert [line.split()[:2] for line in told.stdout.splitlines() if line[0] != " "] == [
        ["fails", "train.py:2:9"],
        ["differs", "train.py:3:9"],
    ]
    assert "fix: DistributedDataParallel, with --nproc auto" in told.stdout
    assert "error: one place surely fails: train.py:2:9 first" in told.stderr


def test_a_module_is_read_where_it_would_be_run(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(script.parent)
    for name in ("pkg/__main__.py", "pkg/mod.py"):
        Path("pkg").mkdir(exist_ok=True)
        Path(name).write_text(BAD)
        module = name.replace("/__main__.py", "").replace("/mod.py", ".mod")
        assert f"fails    {Path(name).name}:2:9" in run("-m", module).stdout
    assert (
        "error: --check reads a script of this machine, and no/such.py is no file"
        in run("-m", "no.such").stderr
    )


def test_json_holds_every_field_and_its_source(script: Path) -> None:
    script.write_text(BAD)
    told = run(script, "--json")
    found = json.loads(told.stdout)["findings"]
    assert (told.exit_code, [one["id"] for one in found]) == (8, ["data-parallel", "jit-script"])
    assert all(one["source"] and one["line"] for one in found)


def test_a_script_that_runs_everywhere_ends_with_0(script: Path) -> None:
    script.write_text("import torch\nmodel.to(device)\n")
    for device in ("ascend", "cuda:0", "cpu"):
        told = run(script, "--device", device)
        assert (told.exit_code, told.stdout) == (0, "nothing found\n")


def test_only_the_device_that_it_is_for_counts(script: Path) -> None:
    script.write_text(BAD)
    assert run(script, "--device", "cuda").exit_code == 0


@pytest.mark.parametrize("words", [("absent.py",), (), ("train.py", "--device", "abacus")])
def test_what_cannot_be_checked_is_a_mistake_in_the_command(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


def test_before_a_run_only_sure_failures_are_said_and_a_broken_script_speaks_for_itself(script: Path) -> None:
    script.write_text(BAD)
    assert [one.id for one in before(str(script), "ascend")] == ["data-parallel"]
    script.write_text("x = (")
    assert before(str(script), "ascend") == before(None, "ascend") == ()
    assert run(script).exit_code == 8


SCRIPTS = Path(__file__).with_name("scripts")


@pytest.mark.parametrize(
    ("name", "device", "code", "ids"),
    [
        ("loop.py", "ascend", 0, {"cudnn"}),
        ("ddp.py", "ascend", 0, set()),
        ("resume.py", "ascend", 0, set()),
        ("loop.py", "cpu", 8, {"cuda-call", "cuda-set"}),
        ("ddp.py", "cpu", 8, {"cuda-call", "cuda-made", "cuda-set", "nccl"}),
        ("resume.py", "cpu", 0, set()),
        ("loop.py", "cuda", 0, set()),
    ],
)
def test_scripts_as_strangers_write_them(name: str, device: str, code: int, ids: set[str]) -> None:
    told = run(SCRIPTS / name, "--device", device, "--json")
    assert (told.exit_code, {one["id"] for one in json.loads(told.stdout)["findings"]}) == (code, ids)


def test_of_a_shell_script_what_it_starts_is_read(script: Path) -> None:
    script.write_text(BAD)
    shell = script.with_name("go.sh")
    shell.write_text('cd "$(dirname "$0")" && torchrun --nproc-per-node 2 train.py --lr 1 # not absent.py')
    told = run(shell)
    assert (told.exit_code, told.stdout.split()[:2]) == (8, ["fails", "train.py:2:9"])
    shell.write_text("#!/bin/bash\ntorchrun -m pkg.train\n")
    told = run(shell)
    assert told.exit_code == 2
    assert "go.sh is a shell script, and names no Python script beside it" in told.stderr
