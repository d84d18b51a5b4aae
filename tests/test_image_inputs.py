"""The files that a spec names: read once, and refused at their line when they cannot serve."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from envkit import paths
from envkit.errors import SpecError
from envkit.image.inputs import read_inputs, template_of, wheels_in
from envkit.plan.facts import ContextFile, Inputs
from envkit.spec.load import LoadedSpec, load
from tests.renderings import FULL, FULL_FILES, SOURCES, write_spec


def loaded(folder: Path, text: str, **files: str) -> LoadedSpec:
    """Write a spec with files (`__` stands for the dot in a name) and load it."""
    named = {name.replace("__", "."): content for name, content in files.items()}
    return load(write_spec(folder, f"name: x\nbase: debian:12\n{text}\n", named), paths.presets())


def refusal(spec: LoadedSpec) -> str:
    with pytest.raises(SpecError) as error:
        read_inputs(spec)
    return " ".join(error.value.what.split()) + " | " + error.value.fix


def test_every_file_of_a_full_spec_is_read(tmp_path: Path) -> None:
    spec = load(write_spec(tmp_path, FULL.replace("{code_server}", SOURCES["file"])), paths.presets())
    found = {file.name: file for file in read_inputs(spec).files}
    assert list(found) == sorted(FULL_FILES)
    assert found["my step.sh"].content == b"#!/bin/sh\ntrue\n"
    assert found["data/in/two"] == ContextFile(
        name="data/in/two", content=tmp_path / "data/in/two", sha256=hashlib.sha256(b"2\n").hexdigest()
    )
    assert template_of(spec, read_inputs(spec)) == FULL_FILES["own.j2"].encode()


def test_a_spec_without_files_has_none(tmp_path: Path) -> None:
    spec = loaded(tmp_path, "")
    assert read_inputs(spec) == Inputs() and template_of(spec, Inputs()) is None


def test_what_its_owner_may_run_stays_a_program(tmp_path: Path) -> None:
    spec = loaded(tmp_path, "steps: [{copy: tool, to: /usr/bin/tool}]", tool="#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o700)
    assert [file.mode for file in read_inputs(spec).files] == [0o755]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("git tmux", "l.txt:1: 'git tmux' is not one package"),
        ("-o=DPkg::Pre-Invoke::=id", "l.txt:1: '-o=DPkg::Pre-Invoke::=id' is not allowed here"),
        ("git-", "l.txt:1: 'git-': apt would read the `-` as \"remove\""),
        ("# a\n\n$(id)", "l.txt:3: '$(id)' is not allowed here"),
        ("../x.deb", "l.txt:1: '../x.deb' is not allowed here"),
    ],
)
def test_a_line_of_apt_s_that_is_not_one_package_is_refused(tmp_path: Path, line: str, what: str) -> None:
    told = refusal(loaded(tmp_path, "apt: {files: [l.txt]}", l__txt=line))
    assert what in told and "envkit.yaml:3:15: " in told
    assert told.endswith(" | write one package a line: `name` or `name=version`")


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "--index-url https://u:p@h/",
        "-e .",
        "numpy --index-url=https://h/",
        "numpy --hash=sha256:00 --index-url=https://h/",
        "numpy --config-settings=a=b",
        "numpy \\\n--index-url https://h/",
        "../x.whl",
        "--hash=x",
    ],
)
def test_a_requirement_that_is_an_option_is_refused(tmp_path: Path, line: str) -> None:
    told = refusal(loaded(tmp_path, "pip: {requirements: [r.txt]}", r__txt=f"pandas\n{line}\n"))
    assert "is no requirement" in told and "envkit.yaml:3:22: r.txt:" in told


def test_requirements_with_hashes_and_comments_are_taken(tmp_path: Path) -> None:
    text = (
        "# comment\nnumpy==2.3.1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11  # via x\n"
        "pandas[all]>=2 ; python_version > '3' # why\nmine @ https://h.example/mine-1.whl\n"
    )
    spec = loaded(tmp_path, "pip: {requirements: [r.txt]}", r__txt=text)
    assert read_inputs(spec).files == (ContextFile(name="r.txt", content=text.encode()),)


@pytest.mark.parametrize("text", ["apt: {files: [l.txt]}", "pip: {requirements: [l.txt]}", "template: l.txt"])
def test_a_list_that_is_no_text_or_far_too_long_is_refused(tmp_path: Path, text: str) -> None:
    spec = loaded(tmp_path, text, l__txt="")
    (tmp_path / "l.txt").write_bytes(b"\xff\xfe")
    assert "l.txt is not UTF-8 text" in refusal(spec)
    (tmp_path / "l.txt").write_bytes(b"#" * (1 << 20) + b"\n")
    assert "l.txt is larger than 1 MiB" in refusal(spec)


def test_a_folder_without_a_wheel_is_refused(tmp_path: Path) -> None:
    told = refusal(loaded(tmp_path, "pip: {wheels: wh}", **{"wh/readme": ""}))
    assert "there is no wheel (`*.whl`) in wh" in told and told.endswith(
        "put the files there, or remove the line"
    )


def test_an_empty_folder_and_a_link_are_not_copied_in_silence(tmp_path: Path) -> None:
    (tmp_path / "data/in").mkdir(parents=True)
    spec = loaded(tmp_path, "steps: [{copy: data, to: /d}]")
    assert "there is no file in data" in refusal(spec)
    (tmp_path / "data/in/link").symlink_to("/etc/passwd")
    assert "data/in/link is a link: it could lead anywhere" in refusal(spec)


def test_what_has_vanished_since_is_said(tmp_path: Path) -> None:
    spec = loaded(tmp_path, "template: t.j2\nsteps: [{copy: f, to: /f}]", t__j2="", f="")
    (tmp_path / "t.j2").unlink()
    assert "t.j2 cannot be read: No such file or directory" in refusal(spec)


def test_wheels_of_this_machine_are_found_once(tmp_path: Path) -> None:
    for name in ("a/x-1.whl", "b/x-1.whl", "b/y-1.whl", "b/readme"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    folders = (str(tmp_path / "a"), str(tmp_path / "b"), "/nowhere")
    assert wheels_in(folders) == (
        ContextFile(name="wheels/x-1.whl", content=tmp_path / "a/x-1.whl"),
        ContextFile(name="wheels/y-1.whl", content=tmp_path / "b/y-1.whl"),
    )
