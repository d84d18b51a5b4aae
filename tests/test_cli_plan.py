"""`plan` and `render` as a user meets them: at 80 columns, without an engine, without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envkit.cli.main import envkit
from envkit.errors import EngineError
from envkit.plan.network import Network
from tests.renderings import FULL, SOURCES, masked, presets, write_spec
from tests.scripted_host import ScriptedHost


@pytest.fixture(autouse=True)
def laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with no engine, where no place answers."""

    def connect(_host: object) -> None:
        raise EngineError("no container engine answers\n  looked at a, b", fix="start one")

    def reach(urls: dict[str, str], _network: Network) -> dict[str, bool]:
        return dict.fromkeys(urls, False)

    monkeypatch.setattr("envkit.engines.docker.connect", connect)
    monkeypatch.setattr("envkit.hosts.local.LocalHost", ScriptedHost)
    monkeypatch.setattr("envkit.image.planned.reach", reach)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("PIP_FIND_LINKS", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


def run(*words: str) -> Result:
    return CliRunner().invoke(envkit, list(words))


def full(folder: Path) -> Path:
    return write_spec(folder, FULL.replace("{code_server}", SOURCES["script"]))


def test_a_plan_fits_80_columns_and_says_what_it_lacked() -> None:
    done = run("plan", "preset:platform-manual")
    assert done.exit_code == 0
    assert (
        done.stdout
        == """\
platform-manual:dev, to be built from debian:12

base          debian:12               the spec names it
distribution  debian:12               the image's name says so
python        3.11                    debian:12's own python3.11
torch         none                    the spec names no torch
jupyterlab    4.6.6                   every package by its hash
code-server   the newest from script  the spec asks for it
extensions    ms-python.python        from the gallery
user          dev (1000:0)            owns the user's Python; any other uid can
                                      run the image with group 0
builder       buildkit                caches are shared, and the network's
                                      secrets mounted

reachable from here: gallery no
"""
    )
    assert done.stderr.splitlines() == [
        "note: planned without an engine: no container engine answers",
        "warning: the gallery cannot be reached from here: without ms-python.python, which must be there, "
        "the build will fail; mark it `optional: true`, or name its `.vsix` file",
        "warning: code-server comes from the official install script: no version and no checksum is pinned",
    ]


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("preset", ["cpu", "cuda", "ascend"])
def test_no_line_of_a_plan_is_wider_than_the_terminal(
    preset: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("plan", f"preset:{preset}").stdout.splitlines()
    assert max(map(len, lines)) <= max(columns, 80)


def test_a_long_value_has_a_line_of_its_own() -> None:
    lines = run("plan", "preset:ascend").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("base "))
    assert lines[at].endswith("cann:9.1.0-910b-ubuntu22.04-py3.11")
    assert lines[at + 1].strip() == "the spec names it"


def test_what_cannot_be_built_from_here_is_said_and_is_no_failure() -> None:
    done = run("plan", "preset:cuda")
    assert done.exit_code == 0
    assert "cannot be built from here: torch 2.14.1 (cu130) cannot be had here: its index" in done.stderr


def test_a_plan_shows_what_of_the_spec_becomes_instructions(tmp_path: Path) -> None:
    out = run("plan", str(full(tmp_path))).stdout
    assert out.partition("\nyour own instructions, the one place where a spec's text is run:\n")[
        2
    ].splitlines() == [
        "before packages  root  echo 'first' >/etc/first",
        "after packages   jo    echo $HOME `id` $(id) && true",
        "before packages  jo    my step.sh",
        "after packages   root  my step.sh",
        "after packages   root  copy settings.conf to /etc/my.conf",
        "before packages  jo    copy data to /opt/my data/",
        "a template             own.j2: `envkit render` shows its blocks",
        "",
        "reachable from here: gallery no, torch no",
    ]


def test_json_is_the_whole_plan() -> None:
    done = run("plan", "preset:cpu", "--json")
    plan = json.loads(done.stdout)
    assert (done.exit_code, plan["tag"], plan["reachable"]["torch"]) == (0, "cpu:dev", False)
    assert plan["torch"]["requirements"] == ["torch==2.13.0+cpu"]
    assert {decision["name"] for decision in plan["decisions"]} >= {"base", "python", "torch", "builder"}
    assert plan["files"]["Dockerfile"].startswith("sha256:") and plan["blocked"]
    assert "/" not in {name[0] for name in plan["files"]}


def test_a_plan_is_the_same_twice() -> None:
    assert run("plan", "preset:cpu", "--json").stdout == run("plan", "preset:cpu", "--json").stdout


@pytest.mark.parametrize("command", [("plan",), ("plan", "--json"), ("render",)])
def test_a_misfit_is_a_mistake_of_the_spec(tmp_path: Path, command: tuple[str, ...]) -> None:
    spec = write_spec(tmp_path, 'name: x\nbase: debian:12\npython: "3.12"\n', {})
    done = run(*command, str(spec))
    assert (done.exit_code, done.stdout) == (3, "")
    assert "envkit.yaml:3:9:" in done.stderr and 'fix: write `python: "3.11"`' in done.stderr


def test_a_broken_template_is_a_mistake_of_the_template(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "name: x\nbase: debian:12\ntemplate: t.j2\n", {"t.j2": "{{ nope }}"})
    done = run("render", str(spec))
    assert done.exit_code == 4
    assert done.stderr.startswith("error: template t.j2, line 1: 'nope' is undefined\n  fix: ")


@pytest.mark.parametrize(("words", "golden"), [((), "cpu"), (("--classic",), "cpu.classic")])
def test_render_prints_the_dockerfile_and_nothing_else(words: tuple[str, ...], golden: str) -> None:
    done = run("render", "preset:cpu", *words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert masked(done.stdout) == masked(presets()[golden])


def test_render_writes_a_context_that_docker_can_build(tmp_path: Path) -> None:
    done = run("render", "preset:cpu", "--context", str(tmp_path / "new"))
    count = sum(path.is_file() for path in (tmp_path / "new").rglob("*"))
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}/new: {count} files\n")
    assert done.stderr == f"build it with: docker build -t cpu {tmp_path}/new\n"
    assert masked((tmp_path / "new/Dockerfile").read_text("utf-8")) == masked(presets()["cpu"])
    again = run("render", "preset:cpu", "--context", str(tmp_path / "new"))
    assert (again.exit_code, again.stderr) == (
        4,
        f"error: {tmp_path}/new is there already, and not empty\n  fix: name a new folder\n",
    )


def test_who_builds_an_ascend_image_by_hand_is_told_of_its_last_step(tmp_path: Path) -> None:
    done = run("render", "preset:ascend", "--context", str(tmp_path / "new"))
    assert done.stderr.splitlines() == [
        f"build it with: docker build -t ascend {tmp_path}/new",
        "then give it what its base's own scripts set: docker run --rm ascend cat "
        "/opt/envkit/etc/variables.Dockerfile | docker build --build-arg IMAGE=ascend -t ascend -",
    ]


def test_a_spec_that_is_not_there_is_said() -> None:
    done = run("plan", "nowhere.yaml")
    assert done.exit_code in (2, 3) and "nowhere.yaml" in done.stderr


def test_why_prints_each_row_that_was_looked_at_and_its_source(tmp_path: Path) -> None:
    text = 'name: x\naccelerator: cuda\npython: "3.12"\ntorch: auto\ntarget: {chip: v100}\n'
    done = run("plan", str(write_spec(tmp_path, text, {})), "--why")
    assert done.exit_code == 0
    rows = done.stdout.partition("\nrows that were looked at, until one fitted (+):\n")[2].splitlines()
    assert rows[:4] == [
        "- torch  torch 2.15.0 with CUDA 13.2",
        "                                   is built for 7.5, 8.0, 8.6, 9.0, 10.0, 12.0:",
        "                                   not for the target's 7.0 [pytorch RELEASE.md,",
        "                                   release compatibility matrix; pytorch issue",
    ]
    assert "+ torch  torch 2.14.1 with CUDA 12.6" in rows
    assert "+ base   nvidia/cuda:12.6.3-base-ubuntu24.04" in rows
    assert max(map(len, rows)) <= 80


def test_why_is_in_the_json_too() -> None:
    plan = json.loads(run("plan", "preset:ascend", "--json").stdout)
    assert plan["considered"][-1]["decision"] == "torch_npu" and plan["considered"][-1]["taken"]
    assert plan["considered"][-1]["source"].startswith("Ascend/pytorch COMPATIBILITY.en.md")
    assert plan["needs"]["cann"] == "9.1.0"


@pytest.mark.parametrize("command", ["plan", "render"])
def test_a_target_of_the_command_line_is_told_by_its_option(command: str) -> None:
    done = run(command, "preset:cuda", "--target", "chip=gtx280")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-2] == "error: --target chip: envkit knows no NVIDIA card 'gtx280'"


def test_a_target_of_the_command_line_stands_in_for_the_spec_s() -> None:
    done = run("plan", "preset:cuda-older", "--target", "driver=535.104.05,machine=arm64", "--json")
    assert done.exit_code == 0
    plan = json.loads(done.stdout)
    assert plan["needs"]["machine"] == "arm64"
    assert any("driver 535.104.05 is older than 560.28.03" in warning for warning in plan["warnings"])
