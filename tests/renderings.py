"""What tests of rendering share: every Dockerfile there is, and what a Dockerfile's instructions are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from envkit import context, paths
from envkit.image.inputs import read_inputs
from envkit.image.planned import Known, Planned, plan_spec
from envkit.plan.facts import BuildFacts
from envkit.plan.network import Network
from envkit.spec.load import load

BUILDERS = ("buildkit", "classic")
PRESETS = tuple(sorted(path.stem for path in paths.presets().glob("*.yaml")))

# A spec that uses every feature; `{code_server}` is where code-server comes from.
FULL = """\
name: full
base: debian:12
accelerator: cpu
python: "3.11"
torch: "2.13.0"
apt: {packages: [git], files: [apt.txt]}
pip: {packages: ["numpy>=2"], requirements: [my requirements.txt], wheels: wheels}
env: {GREETING: 'hello $HOME', EMPTY: ""}  # hadolint cannot read a quote in a label's JSON
labels: {org.example.note: 'a "note"'}
user: {name: jo, uid: 4242, gid: 4343}
services: {tensorboard: false}
ide:
  jupyterlab: {version: "4.6.5", settings: {"@jupyterlab/apputils-extension:themes": {theme: Dark}}}
  code_server: {code_server}
steps:
- {run: "echo 'first' >/etc/first", at: before_packages, user: root}
- {run: "echo $HOME `id` $(id) && true"}
- {script: my step.sh, at: before_packages}
- {script: my step.sh, user: root}
- {copy: settings.conf, to: /etc/my.conf, user: root}
- {copy: data, to: /opt/my data, at: before_packages}
template: own.j2
"""
OWN_TEMPLATE = """\
{% extends "cpu/Dockerfile.j2" %}
{% block accelerator %}{{ super() }}
ENV MY_NAME={{ plan.name | env_value }}
{% endblock %}
"""
FULL_FILES = {
    "apt.txt": "# editors\nless\nvim-tiny=2:9.0.1378-2 # pinned\n",
    "my requirements.txt": "pandas==2.3.3\n",
    "wheels/mine-1.0-py3-none-any.whl": "",
    "release.tar.gz": "",
    "mine.vsix": "",
    "my step.sh": "#!/bin/sh\ntrue\n",
    "settings.conf": "a=b\n",
    "data/one": "1\n",
    "data/in/two": "2\n",
    "own.j2": OWN_TEMPLATE,
}
DNF_FILES = {**FULL_FILES, "dnf.txt": "# editors\nless\nvim-enhanced-9.0.2092 # pinned\n"}
_SHA256 = "1" * 64
_REST = (
    "own_door: true, extensions: [mine.vsix, {id: ms-python.python@1.2.3, optional: true}], settings: {x: 1}"
)
SOURCES = {
    "release": f'{{version: "4.138.0", source: release, sha256: {_SHA256}, {_REST}}}',
    "npm": f'{{version: "4.139.1", source: npm, {_REST}}}',
    "file": f'{{version: "4.138.0", source: file, file: release.tar.gz, sha256: {_SHA256}, {_REST}}}',
    "script": f"{{source: script, {_REST}}}",
    "none": "false",
}


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One instruction of a Dockerfile, and the comments right above it."""

    name: str
    value: str
    comments: tuple[str, ...]


def planned(source: str | Path, facts: BuildFacts) -> Planned:
    """Plan a spec with nothing but these facts."""
    loaded = load(source, paths.presets())
    known = Known(facts=facts, network=Network(), inputs=read_inputs(loaded))
    return plan_spec(loaded, known, look_outside=False)


def write_spec(folder: Path, text: str, files: Mapping[str, str] = FULL_FILES) -> Path:
    """Write a spec with the files that it names; return where it is."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    (folder / "envkit.yaml").write_text(text, "utf-8")
    return folder / "envkit.yaml"


@cache
def presets() -> dict[str, str]:
    """Return every preset's Dockerfile by its golden file's name."""
    found = {}
    for preset in PRESETS:
        for builder in BUILDERS:
            plan = planned(f"preset:{preset}", BuildFacts(builder=builder))
            name = preset if builder == "buildkit" else f"{preset}.{builder}"
            found[name] = context.dockerfile_of(plan.files)
    return found


def _on_dnf(spec: str) -> str:
    """Return the full spec on a base with dnf."""
    return spec.replace("base: debian:12", "base: openeuler/openeuler:24.03").replace(
        "apt: {packages: [git], files: [apt.txt]}", "dnf: {packages: [git], files: [dnf.txt]}"
    )


@cache
def everything() -> dict[str, Planned]:
    """Return every plan that tests render: presets and the full spec, for both builders."""
    found = {}
    for builder in BUILDERS:
        facts = BuildFacts(builder=builder)
        for preset in PRESETS:
            found[f"{preset}-{builder}"] = planned(f"preset:{preset}", facts)
        for source, text in SOURCES.items():
            with TemporaryDirectory() as folder:
                spec = write_spec(Path(folder), FULL.replace("{code_server}", text))
                found[f"full-{source}-{builder}"] = planned(spec, facts)
                spec = write_spec(Path(folder), _on_dnf(FULL.replace("{code_server}", text)), DNF_FILES)
                found[f"full-dnf-{source}-{builder}"] = planned(spec, facts)
    return found


def texts() -> dict[str, str]:
    """Return the text of every Dockerfile."""
    return {name: context.dockerfile_of(plan.files) for name, plan in everything().items()}


def masked(dockerfile: str) -> str:
    """Return a Dockerfile without its plan's digest, which any change of envkit changes."""
    return re.sub(r'(io\.envkit\.plan-digest="sha256:)[0-9a-f]{64}', r"\1…", dockerfile)


def instructions(dockerfile: str) -> list[Instruction]:
    """Split a Dockerfile as builders do: comments go, a `\\` at a line's end goes on."""
    found: list[Instruction] = []
    comments: list[str] = []
    waiting = ""
    for line in dockerfile.split("\n"):
        if line.lstrip().startswith("#"):
            comments.append(line.strip())
            continue
        if not line.strip():
            comments = comments if waiting else []
            continue
        waiting += line
        if re.search(r"\\[ \t]*$", line):
            waiting = re.sub(r"\\[ \t]*$", "", waiting)
            continue
        name, _, value = waiting.strip().partition(" ")
        found.append(Instruction(name=name.upper(), value=value.strip(), comments=tuple(comments)))
        comments, waiting = [], ""
    assert not waiting, f"goes on after its end: {waiting!r}"
    return found
