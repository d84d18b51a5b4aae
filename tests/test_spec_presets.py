"""The presets, the JSON Schema and the README's table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from envkit import paths
from envkit.cli.main import envkit
from envkit.plan.facts import BuildFacts
from envkit.plan.resolve import resolve
from envkit.spec import reference
from envkit.spec.family import preset_names
from envkit.spec.load import load
from envkit.spec.scalars import typed
from envkit.spec.schema import json_schema
from envkit.spec.source import value_of
from envkit.spec.yaml_reader import read

PRESETS = preset_names(paths.presets())
README = Path(__file__).resolve().parents[1] / "README.md"


def as_an_editor_reads(text: str) -> Any:
    """Return a spec with YAML 1.2's types, as an editor gives it to the schema."""
    return typed(value_of(read("spec.yaml", text.encode())))


def complaints(text: str) -> list[str]:
    return [
        error.message for error in Draft202012Validator(json_schema()).iter_errors(as_an_editor_reads(text))
    ]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(envkit, arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_presets_of_this_release_are_there() -> None:
    assert PRESETS == [
        "ascend",
        "ascend-310p",
        "ascend-310p-openeuler",
        "ascend-openeuler",
        "cpu",
        "cpu-arm64",
        "cuda",
        "cuda-blackwell",
        "cuda-older",
        "generic",
        "ide-only",
        "modelarts",
        "ngc",
        "openshift",
        "platform-manual",
        "sagemaker",
        "tensorflow",
        "tensorflow-cuda",
    ]


@pytest.mark.parametrize(
    ("platform", "user"),
    [
        ("generic", (1000, 0)),
        ("openshift", (1001, 0)),
        ("modelarts", (1000, 100)),
        ("sagemaker", (1000, 100)),
    ],
)
def test_a_platform_s_preset_changes_who_runs_another_and_nothing_else(
    tmp_path: Path, platform: str, user: tuple[int, int]
) -> None:
    child = tmp_path / "x.yaml"
    child.write_text(f"name: x\nextends: [preset:cuda, preset:{platform}]\n")
    spec = load(child, paths.presets()).spec
    cuda = load("preset:cuda", paths.presets()).spec
    assert (spec.user.uid, spec.user.gid) == user
    kept = {"name": spec.name, "extends": spec.extends, "user": spec.user, "steps": spec.steps}
    assert cuda.model_copy(update=kept) == spec


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fits_its_own_target_without_a_warning(name: str) -> None:
    spec = load(f"preset:{name}", paths.presets()).spec
    assert resolve(spec, BuildFacts()).warnings == ()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_right_and_says_what_it_is_for(name: str) -> None:
    loaded = load(f"preset:{name}", paths.presets())
    assert loaded.spec.name == name
    assert loaded.path.read_text("utf-8").startswith("# ")


@pytest.mark.parametrize("name", PRESETS)
def test_an_editor_accepts_a_preset(name: str) -> None:
    assert complaints((paths.presets() / f"{name}.yaml").read_text("utf-8")) == []


def test_the_list_of_presets_names_each_with_its_purpose() -> None:
    listed = json.loads(run("presets", "--json"))
    assert [preset["name"] for preset in listed] == PRESETS
    assert listed[PRESETS.index("cpu")] == {
        "name": "cpu",
        "accelerator": "cpu",
        "base": "debian:12",
        "torch": "2.13.0",
        "about": "PyTorch on plain CPUs, with both IDEs: the place to begin, on any machine.",
    }
    lines = run("presets").splitlines()
    assert max(map(len, lines)) <= 80
    table = " ".join(" ".join(lines).split())  # a long line is wrapped
    assert all(preset["about"] in table and preset["base"] in table for preset in listed)


def test_a_mistake_ends_the_command_with_its_message_and_code_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "presets", lambda: tmp_path)
    (tmp_path / "mine.yaml").write_text("name: mine\nbase: debian:12\naccelerator: gpu\n")
    result = CliRunner().invoke(envkit, ["presets"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        "error: mine.yaml:3:14: 'gpu' is not allowed here\n"
        "    3 | accelerator: gpu\n"
        "      |              ^^^\n"
        "      allowed: cpu, cuda, ascend\n"
        "      did you mean 'cuda'?\n"
        "  fix: correct that line, and try again\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_the_schema_is_one() -> None:
    schema = json.loads(run("schema"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema == json_schema()


@pytest.mark.parametrize(
    "text",
    [
        "name: x",
        "name: x\nextends: preset:cpu",
        "name: x\nextends: [preset:cpu, ../team/base.yaml]",
        "name: x\napt: git\npip: numpy",
        "name: x\napt: [git]\npip: ['numpy>=2']",
        "name: x\napt: {packages: [git], files: [apt.txt]}",
        "name: x\npip: {packages: [numpy], requirements: [数据/r.txt], wheels: wheels}",
        "name: x\npython: 3.11\ntorch: 2.13.0",
        "name: x\npython: 3.10",
        "name: x\nenv: {A: 1, B: true, C: 0755, D: text}",
        "name: x\nide: {jupyterlab: true, code_server: false}",
        "name: x\nide: {jupyterlab: {settings: {a: [1, {b: c}]}}}",
        "name: x\nide: {code_server: {extensions: [ms-python.python, ext/a.vsix, {id: a.b}]}}",
        "name: x\ntorch: null\nos: null",
        "name: x\nsteps: [{run: make}, {copy: data, to: /data, user: root, at: before_packages}]",
        "name: x\nuser: {name: ada, uid: 1234, gid: 0}\nlabels: {org.example.team: a}",
    ],
)
def test_an_editor_accepts_every_short_form(text: str) -> None:
    assert complaints(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "base: debian:12",
        "name: My-Env",
        "name: x\nacelerator: cpu",
        "name: x\naccelerator: gpu",
        "name: x\nbase: debian",
        "name: x\npython: '2.7'",
        "name: x\ntorch: latest",
        "name: x\napt: [Git]",
        "name: x\napt: [[git]]",
        "name: x\npip: {requirments: []}",
        "name: x\npip: {requirements: [../r.txt]}",
        "name: x\npip: {wheels: /tmp/wheels}",
        "name: x\nenv: {A-B: x}",
        "name: x\nenv: {A: [x]}",
        "name: x\nide: {jupyterlab: dark}",
        "name: x\nide: {code_server: {own_door: 'yes'}}",
        "name: x\nide: {code_server: {extensions: [{optinal: true}]}}",
        "name: x\nuser: {uid: 0}",
        "name: x\nsteps: [make]",
        "name: x\nsteps: [{run: a, user: admin}]",
    ],
)
def test_an_editor_marks_a_mistake(text: str) -> None:
    assert complaints(text)


def test_the_table_has_a_row_for_every_key() -> None:
    rows = [line.split("|")[1].strip(" `") for line in reference.table().splitlines()[3:-1]]
    assert len(rows) == len(set(rows)) == 59
    assert {"name", "ide.code_server.extensions[].optional", "steps[].copy", "pip.wheels"} <= set(rows)
    assert "| `user.gid` | a whole number from 0 | `0` |" in reference.table()


def test_the_readme_holds_the_table_as_it_is() -> None:
    text = README.read_text("utf-8")
    begin, end = text.index(reference.BEGIN), text.index(reference.END)
    assert text[begin : end + len(reference.END)] == reference.table(), (
        "put in what `envkit schema --table` prints"
    )
