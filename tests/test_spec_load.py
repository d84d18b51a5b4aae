"""Where a spec comes from, what a later stage can say about it, and how a message looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit import paths
from envkit.errors import SpecError
from envkit.spec.load import LoadedSpec, load
from envkit.spec.merge import FILES
from envkit.spec.model import Extension, JupyterLab, Spec

ISSUE = """\
name: my-env
base: debian:12
accelerator: cpu            # cpu | cuda | ascend
python: "3.11"
torch: "2.13.0"
apt: [git, tmux]
pip: [numpy, tensorboard]
env: {GREETING: hello}
ide:
  jupyterlab: {version: "4.6.6"}
  code_server: {version: "4.138.0", extensions: [{id: ms-python.python, optional: true}]}
"""


def loaded(text: str, folder: Path) -> LoadedSpec:
    (folder / "envkit.yaml").write_text(text, "utf-8")
    return load(folder, paths.presets())


def refused(source: str | Path) -> SpecError:
    with pytest.raises(SpecError) as raised:
        load(source, paths.presets())
    return raised.value


def test_the_short_form_of_the_issue_is_read(tmp_path: Path) -> None:
    found = loaded(ISSUE, tmp_path)
    assert found.spec.apt.packages == ("git", "tmux")
    assert dict(found.spec.env) == {"GREETING": "hello"}
    assert found.spec.ide.jupyterlab == JupyterLab(version="4.6.6")
    assert found.spec.ide.code_server is not False
    assert found.spec.ide.code_server.extensions == (Extension(id="ms-python.python", optional=True),)
    assert (found.folder, found.path) == (tmp_path, tmp_path / "envkit.yaml")


def test_a_spec_goes_through_plain_data_and_back(tmp_path: Path) -> None:
    spec = loaded(ISSUE + "steps: [{copy: envkit.yaml, to: /x}]\n", tmp_path).spec
    assert Spec.model_validate(spec.model_dump(by_alias=True)) == spec
    assert Spec.model_validate(spec.model_dump(by_alias=True, mode="json")) == spec


def test_a_spec_cannot_be_changed(tmp_path: Path) -> None:
    spec = loaded(ISSUE, tmp_path).spec
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"
    assert len({spec, loaded(ISSUE, tmp_path).spec}) == 1


def test_the_install_script_has_no_version(tmp_path: Path) -> None:
    code_server = loaded("name: x\nide: {code_server: {source: script}}\n", tmp_path).spec.ide.code_server
    assert code_server is not False
    assert code_server.version is None


def test_a_folder_stands_for_its_envkit_yaml(tmp_path: Path) -> None:
    (tmp_path / "envkit.yaml").write_text("name: x\n")
    assert load(tmp_path, paths.presets()).spec == load(tmp_path / "envkit.yaml", paths.presets()).spec


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    error = refused(tmp_path / "no.yaml")
    assert error.what == f"{tmp_path / 'no.yaml'}: no such file"
    assert "envkit presets" in error.fix


def test_a_misspelt_file_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").touch()
    assert refused(tmp_path / "trian.yaml").fix == f"did you mean '{tmp_path / 'train.yaml'}'?"


def test_a_preset_named_like_a_file_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused("cpu").fix == "a preset is named `preset:cpu`"


def test_a_preset_without_a_name_is_said() -> None:
    error = refused("preset:")
    assert error.what == "`preset:` lacks the preset's name"
    assert error.fix.startswith("presets: ascend, ")


@pytest.mark.parametrize("name", ["preset:nope", "preset:../cpu", "preset:\x1b[31m", "preset:a/b"])
def test_a_preset_that_is_not_there_is_said(name: str) -> None:
    error = refused(name)
    assert error.what.startswith("there is no preset ")
    assert error.what.isprintable()
    assert "ascend, ascend-310p, ascend-310p-openeuler, ascend-openeuler, cpu, cpu-arm64, cuda" in error.fix


@pytest.mark.parametrize("source", ["/dev/null", "a\0b", "x" * 5000])
def test_what_is_no_file_is_refused(source: str) -> None:
    assert refused(source).fix


def test_a_later_stage_points_at_the_line(tmp_path: Path) -> None:
    error = loaded(ISSUE, tmp_path).error("torch", "torch 2.13.0 has no such build", fix="use 2.12.0")
    assert "envkit.yaml:5:8: torch 2.13.0 has no such build" in " ".join(error.what.split())
    assert '    5 | torch: "2.13.0"\n      |        ^^^^^^^^' in error.what
    assert (error.fix, error.exit_code) == ("use 2.12.0", 3)


def test_a_later_stage_can_point_into_a_list(tmp_path: Path) -> None:
    found = loaded(ISSUE, tmp_path)
    assert str(found.place("pip.packages.1")) == str(found.place(("pip", 1)))
    assert str(found.place(("pip", "packages", 1))).endswith("envkit.yaml:7:14")


def test_a_default_is_said_to_be_one(tmp_path: Path) -> None:
    found = loaded("name: x\nide: {jupyterlab: {}}\n", tmp_path)
    assert found.place("python") is None
    what = " ".join(found.error("ide.jupyterlab.version", "too new").what.split())
    assert (
        "envkit.yaml:2:19: too new (`ide.jupyterlab.version` is not written here; this is its default)"
        in what
    )


def test_every_key_that_names_a_file_is_known() -> None:
    """A new `RelativePath` in the model must be moved and looked for like the others."""
    schema = Spec.model_json_schema()
    known = {key[-1] if key[-1] != "*" else key[-2] for key in FILES} - {"extensions"}
    found = {
        name
        for part in (schema, *schema["$defs"].values())
        for whole in (part, *part.get("anyOf", ()))
        for name, field in whole.get("properties", {}).items()
        if "^(?![/~])" in str(field)
    }
    assert found == known


def test_a_message_is_complete_and_fits_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "envkit.yaml").write_text(ISSUE.replace("accelerator: cpu ", "acelerator: cpu "))
    error = refused("envkit.yaml")
    assert error.what == (
        "envkit.yaml:3:1: unknown key 'acelerator'\n"
        "    3 | acelerator: cpu            # cpu | cuda | ascend\n"
        "      | ^^^^^^^^^^\n"
        "      allowed: name, extends, base, os, accelerator, python, torch,\n"
        "        torch_from, torch_npu, cuda, target, apt, dnf, pip, env, ide,\n"
        "        services, user, secrets, steps, template, labels\n"
        "      did you mean 'accelerator'?"
    )
    assert error.fix == "correct that line, and try again"


def test_several_mistakes_are_listed_in_their_order_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "envkit.yaml").write_text("name: x\nuser: {uid: 0}\nbase: debian\npyhton: '3.11'\n")
    error = refused("envkit.yaml")
    heads = [line for line in error.what.splitlines() if line.startswith("envkit.yaml:")]
    assert error.what.splitlines()[0] == "3 mistakes in envkit.yaml"
    assert [head.split(": ")[0] for head in heads] == [
        "envkit.yaml:2:13",
        "envkit.yaml:3:7",
        "envkit.yaml:4:1",
    ]
    assert error.fix == "correct these 3 mistakes in envkit.yaml; nothing was done yet"
    assert max(map(len, error.what.splitlines())) <= 80


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("env: {A-B: 1}", ["    2 | env: {A-B: 1}", "      |       ^^^"]),
        ("env: {你好: x}", ["    2 | env: {你好: x}", "      |       ^^^^"]),
        ("env: {A: '你好', B-C: x}", ["    2 | env: {A: '你好', B-C: x}", "      |                  ^^^"]),
    ],
)
def test_the_caret_stands_under_what_is_meant(line: str, shown: list[str], tmp_path: Path) -> None:
    (tmp_path / "envkit.yaml").write_text(f"name: x\n{line}\n", "utf-8")
    assert [row for row in refused(tmp_path).what.splitlines() if " | " in row] == shown


def test_a_long_line_is_cut_around_what_is_meant(tmp_path: Path) -> None:
    (tmp_path / "envkit.yaml").write_text(f"name: x\napt: [{'git, ' * 100}Bad, {'tmux, ' * 100}]\n")
    excerpt, caret = (row for row in refused(tmp_path).what.splitlines() if " | " in row)
    assert len(excerpt) <= 80
    assert excerpt[caret.index("^") : caret.rindex("^") + 1] == "Bad"


def test_nothing_of_a_file_can_command_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "envkit.yaml").write_text('name: "\\e[31m\\x07"\nb\x1b[2J: 1\n')
    assert "\x1b" not in refused(tmp_path).what
    (tmp_path / "envkit.yaml").write_text('name: "\\e[31m\\x07"\n"\\e[2J": 1\n')
    assert "\x1b" not in refused(tmp_path).what
