"""`envkit train` end to end: what a script sees, what its user sees, and what stays afterwards."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.real.conftest import Ide
from tests.real.train.conftest import Trainer

pytestmark = pytest.mark.real

LOOK = """
import json, os, sys
import neighbour
print(json.dumps([sys.argv, os.getcwd(), __file__, os.environ["SCRIPT"], os.environ["SCRIPTPATH"],
                  os.environ["MODEL_PATH"], open("data.txt").read(), neighbour.WORD, os.getuid()]))
"""


def looked(told: bytes) -> list[object]:
    """Return what the script above printed last."""
    found: list[object] = json.loads(told.splitlines()[-1])
    return found


def test_a_script_works_as_it_would_by_hand(trainer: Trainer) -> None:
    script = trainer.script(LOOK, "my train ü.py")
    (script.parent / "neighbour.py").write_text("WORD = 'beside'\n")
    (script.parent / "data.txt").write_text("data")
    link = trainer.home / "link.py"
    link.symlink_to(script)
    told = trainer.train(link, "--", "--epochs", "3", "two words", cwd=trainer.home.parent)
    assert told.code == 0, told.stderr
    real, folder = "/work/home/proj/my train ü.py", "/work/home/proj"
    assert looked(told.stdout) == [
        [real, "--epochs", "3", "two words"], folder, real, real, folder, trainer.name, "data", "beside", 0,
    ]  # fmt: skip
    assert trainer.log() == told.stdout and trainer.end()["state"] == "finished"
    assert trainer.container() is None
    assert f"run {trainer.name}: {trainer.folder}" in told.stderr
    assert (
        trainer.home.parent / "cache" / ".envkit-cache"
    ).is_file()  # what it made, `cache clean` may clean


def test_output_comes_as_bytes_and_a_failure_is_8_with_its_own_code(trainer: Trainer) -> None:
    script = trainer.script(
        "import sys; sys.stdout.buffer.write(b'\\xff\\x00\\r\\nno end'); sys.stdout.flush(); sys.exit(3)"
    )
    told = trainer.train(script, "--json")
    assert told.code == 8
    found = json.loads(told.stdout)
    assert (found["name"], found["end"]["state"], found["end"]["code"]) == (trainer.name, "failed", 3)
    assert trainer.log() == b"\xff\x00\r\nno end"


def test_modules_shells_and_commands_run_in_an_environment(trainer: Trainer, ide: Ide) -> None:
    """One environment, one after another: where they work, and that each is found."""
    trainer.home = ide.home
    script = trainer.script("import os, sys; print(sys.argv[1:], os.getcwd())", f"{trainer.name}/mod.py")
    (script.parent / "go.sh").write_text('echo "shell $1 in $(pwd)"\n')
    inside = f"/work/home/proj/{trainer.name}"
    environment = str(ide.container.name).removeprefix("envkit-")
    base = trainer.name
    for number, (words, says) in enumerate(
        (
            (["-m", "mod", "--", "a"], f"['a'] {inside}"),
            (["go.sh", "--", "b"], f"shell b in {inside}"),
            (["--", "sh", "-c", "pwd"], inside),
            (["--workdir", "..", f"{inside}/mod.py", "--", "c"], "['c'] /work/home/proj"),
        )
    ):
        trainer.name = f"{base}-{number}"
        told = trainer.train("--env", environment, *words, own=False, cwd=script.parent)
        assert (told.code, told.stdout.decode().strip()) == (0, says), told.stderr
        assert json.loads((trainer.attempt / "request.json").read_text())["detach"] is True


def test_without_a_place_it_goes_where_the_script_is_seen(trainer: Trainer, ide: Ide) -> None:
    trainer.home = ide.home
    script = trainer.script("print('here')", f"{trainer.name}/train.py")
    told = trainer.train(script, own=False)
    environment = str(ide.container.name).removeprefix("envkit-")
    assert (told.code, told.stdout) == (0, b"here\n"), told.stderr
    assert f"the run goes in environment {environment}, which sees the script" in told.stderr


def test_sync_takes_the_project_along(trainer: Trainer, tmp_path: Path) -> None:
    project = tmp_path / "elsewhere"
    (project / "pkg").mkdir(parents=True)
    (project / "pkg" / "train.py").write_text("import os; print(sorted(os.listdir('..')), os.getcwd())")
    (project / ".gitignore").write_text("*.bin\n")
    (project / "large.bin").write_bytes(b"x")
    (project / "link").symlink_to("/etc/passwd")
    git = ("git", "-C", str(project), "-c", "user.name=ada", "-c", "user.email=ada@lab")
    for words in (("init", "-q", "-b", "trunk"), ("add", "."), ("commit", "-q", "-m", "first")):
        subprocess.run((*git, *words), check=True, capture_output=True)
    with (project / "pkg" / "train.py").open("a") as file:
        file.write("  # changed\n")
    refused = trainer.train(project / "pkg" / "train.py")
    assert refused.code == 2 and "--sync copies the project" in refused.stderr
    told = trainer.train("--sync", project / "pkg" / "train.py")
    assert told.code == 0, told.stderr
    code = f"/work/home/task/{trainer.name}/code"
    assert told.stdout.decode() == f"['.gitignore', 'pkg'] {code}/pkg\n"
    assert f"copying {project}: 2 files" in told.stderr and "link is left out" in told.stderr
    source = json.loads((trainer.folder / "run.json").read_text())["git"]
    assert (len(source["commit"]), source["branch"], source["dirty"]) == (40, "trunk", True)
    assert "+import os" in source["diff"] and source["diff"].rstrip().endswith("# changed")


def test_what_is_written_outside_of_work_keeps_the_container(trainer: Trainer) -> None:
    script = trainer.script("open('/tmp/model.bin', 'wb').write(b'x' * (9 << 20))")
    told = trainer.train(script)
    assert told.code == 0 and "outside of /work" in told.stderr
    facts = trainer.container()
    assert facts is not None and facts.state == "exited"


def test_a_dry_run_makes_nothing(trainer: Trainer) -> None:
    told = trainer.train(trainer.script("print(1)"), "--dry-run", "--json")
    assert json.loads(told.stdout)["nodes"][0]["request"]["target"] == "/work/home/proj/train.py"
    assert not trainer.folder.exists() and trainer.container() is None
