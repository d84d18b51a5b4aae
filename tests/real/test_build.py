"""`envkit build` for real: specs with everything in them, what is shared, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

pytestmark = pytest.mark.real

EVERYTHING = """\
name: envkit-test-everything
base: debian:12
python: "3.11"
apt: {packages: [tmux], files: [apt.txt]}
pip: {requirements: [requirements.txt]}
env: {GREETING: 'a $HOME "q" \\ é'}
user: {name: ana, uid: 1500}
ide:
  jupyterlab: {settings: {"@jupyterlab/apputils-extension:themes": {theme: JupyterLab Dark}}}
  code_server:
    own_door: true
    settings: {"editor.fontSize": 15}
    extensions: [hello.vsix, {id: nobody.nothing, optional: true}]
steps:
  - {run: 'echo "$GREETING from $(id -u)" > /work/step', user: root}
  - {script: setup.sh, user: root}
  - {copy: data, to: /opt/data}
labels: {org.example.team: vision}
"""

OLD_TORCH = """\
name: envkit-test-old-torch
extends: preset:cpu
steps:
  - {copy: wheels, to: /opt/wheels}
  - {run: pip install --no-index --find-links /opt/wheels --force-reinstall needs-old-torch}
"""

CLASSIC = """\
name: envkit-test-classic
base: debian:12
python: "3.11"
env: {GREETING: hello}
ide: {code_server: false}
services: {tensorboard: false}
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How `envkit` ended."""

    code: int
    stdout: str
    stderr: str


def run_envkit(*words: str) -> Ended:
    """Run the command line as a user would."""
    program = str(Path(sys.executable).with_name("envkit"))
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=1200, check=False)
    return Ended(code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def write_vsix(path: Path, publisher: str = "acme", name: str = "hello") -> None:
    """Write an extension that does nothing, whole enough for VS Code."""
    about = {
        "name": name,
        "publisher": publisher,
        "version": "1.2.3",
        "engines": {"vscode": "^1.80.0"},
        "main": "./x.js",
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("extension/package.json", json.dumps(about))
        archive.writestr("extension/x.js", "exports.activate = () => {}")


def write_wheel(folder: Path, name: str, version: str, *, requires: str = "", module: str = "") -> None:
    """Write a wheel of one module."""
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}/version.py", module)
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A spec's folder with the files that the specs here name."""
    (tmp_path / "apt.txt").write_text("tree  # a comment\n")
    (tmp_path / "requirements.txt").write_text("six==1.16.0\n")
    (tmp_path / "setup.sh").write_text(
        "#!/bin/bash\npython -c 'import six; print(six.__version__)' >/work/ran\n"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("hi\n")
    write_vsix(tmp_path / "hello.vsix")
    (tmp_path / "wheels").mkdir()
    write_wheel(tmp_path / "wheels", "torch", "2.12.0", module="cuda = None\n")
    write_wheel(tmp_path / "wheels", "needs_old_torch", "1.0", requires="torch==2.12.0")
    return tmp_path


@pytest.fixture
def untagged(engine: docker.DockerClient) -> Iterator[list[str]]:
    """Names that a test gives to images; they are taken away afterwards."""
    names: list[str] = []
    yield names
    for name in names:
        if engine.images.list(name):
            engine.images.remove(name)


def test_a_spec_with_everything_in_it_is_built_and_proven(
    image: str, folder: Path, engine: docker.DockerClient, untagged: list[str]
) -> None:
    (folder / "envkit.yaml").write_text(EVERYTHING)
    untagged.append("envkit-test-everything:dev")
    built = run_envkit("build", str(folder), "--json")
    assert built.code == 0, built.stderr[-3000:]
    result = json.loads(built.stdout)
    assert [name for name, _ in result["verdict"]["missing"]] == ["nobody.nothing"]
    show = (
        "cat /work/step /work/ran /opt/data/a.txt; tree --version | head -c 4; echo; id -un; echo $GREETING"
    )
    seen = engine.containers.run("envkit-test-everything:dev", ["bash", "-lc", show], remove=True)
    greeting = 'a $HOME "q" \\ é'
    assert seen.decode().splitlines() == [f"{greeting} from 0", "1.16.0", "hi", "tree", "ana", greeting]
    labels = engine.images.get("envkit-test-everything:dev").labels
    assert (labels["org.example.team"], labels["io.envkit.owned"]) == ("vision", "true")
    again = run_envkit("build", str(folder))
    assert "nothing changed" in again.stdout


def test_a_torch_that_a_step_replaced_fails_the_build_and_names_who_did_it(
    image: str, folder: Path, engine: docker.DockerClient
) -> None:
    (folder / "envkit.yaml").write_text(OLD_TORCH)
    ended = run_envkit("build", str(folder))
    assert ended.code == 5, ended.stderr[-3000:]
    assert "torch 2.13.0 (cpu) was planned, 2.12.0 (cpu) is there" in ended.stderr
    assert "needs_old_torch 1.0 asks for 'torch==2.12.0'" in ended.stderr
    assert not engine.images.list("envkit-test-old-torch:dev")


def test_a_second_base_of_the_distribution_takes_the_tools_as_they_are(
    image: str, debian: str, folder: Path, engine: docker.DockerClient, untagged: list[str]
) -> None:
    other = "envkit-test-other-base:1"
    untagged += ["envkit-test-second:dev", other]
    text = f"FROM {debian}\nRUN touch /this-is-another-base\n"
    subprocess.run(
        ["docker", "build", "--tag", other, "-"], input=text, text=True, check=True, capture_output=True
    )
    spec = f'name: envkit-test-second\nbase: {other}\nos: debian:12\npython: "3.11"\n'
    (folder / "envkit.yaml").write_text(
        spec + "ide: {code_server: {extensions: [{id: ms-python.python, optional: true}]}}\n"
    )
    built = run_envkit("build", str(folder), "--json", "--no-verify")
    assert built.code == 0, built.stderr[-3000:]
    events = [json.loads(line) for line in built.stderr.splitlines() if line.startswith("{")]
    steps = {event["step"]: event["kind"] for event in events if "step" in event}
    tools = {step: kind for step, kind in steps.items() if step.startswith("[tools") and "] RUN" in step}
    assert len(tools) >= 5
    assert [step for step, kind in tools.items() if kind != "cached"] == []


def test_without_buildkit_the_image_works_as_well_and_holds_no_trace_of_the_way(
    folder: Path, engine: docker.DockerClient, untagged: list[str]
) -> None:
    (folder / "envkit.yaml").write_text(CLASSIC)
    untagged.append("envkit-test-classic:dev")
    built = run_envkit("build", str(folder), "--classic")
    assert built.code == 0, built.stderr[-3000:]
    look = "ls -A /run /run/envkit /run/secrets /opt/build 2>/dev/null | sort | tr '\\n' ' '; echo $GREETING"
    seen = engine.containers.run("envkit-test-classic:dev", ["bash", "-c", look], remove=True).decode()
    assert "envkit-net" not in seen
    assert seen.split()[-1] == "hello"
