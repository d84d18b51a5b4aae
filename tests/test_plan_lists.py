"""The files that say what to install."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from envkit import compat
from envkit.plan.facts import BuildFacts, ContextFile, Inputs
from envkit.plan.make import make
from envkit.spec.model import Spec

VSIX, TAR, WHEEL = (
    ContextFile(name=name, content=Path(f"/{name}"), sha256="0" * 64)
    for name in ("in/a.vsix", "in/plan.sh", "wh/mine-1-py3-none-any.whl")
)


def files_of(*files: ContextFile, **keys: Any) -> dict[str, ContextFile]:
    spec = Spec.model_validate({"name": "x", "base": "debian:12", **keys})
    plan = make(spec, BuildFacts(), Inputs(files=files), "")
    names = [file.name for file in plan.files]
    assert names == sorted(set(names))
    return {file.name: file for file in plan.files}


def text(file: ContextFile) -> str:
    assert isinstance(file.content, bytes)
    return file.content.decode()


def test_apt_s_list_is_sorted_and_holds_what_envkit_needs() -> None:
    more = ContextFile(name="more.txt", content=b"# editors\nvim-tiny # small\n\n  less\n")
    found = files_of(more, apt={"packages": ["tmux", "git=1:2.39"], "files": ["more.txt"]})
    assert text(found["lists/apt.txt"]).split("\n") == [
        *("ca-certificates", "git=1:2.39", "less", "python3", "python3.11", "tmux", "vim-tiny", "")
    ]


def test_dnf_s_list_is_sorted_and_holds_what_envkit_needs() -> None:
    more = ContextFile(name="more.txt", content=b"vim-enhanced # an editor\n")
    base = "openeuler/openeuler:24.03"
    found = files_of(more, base=base, dnf={"packages": ["tmux", "git-2.43"], "files": ["more.txt"]})
    assert "lists/apt.txt" not in found
    assert text(found["lists/dnf.txt"]).split() == [
        *(
            "ca-certificates",
            "findutils",
            "git-2.43",
            "gzip",
            "python3",
            "python3.11",
            "shadow",
            "tar",
            "tmux",
        ),
        "vim-enhanced",
    ]
    assert text(found["locks/bootstrap.txt"]) == compat.lock("bootstrap") + compat.lock("init")


def test_the_user_s_python_gets_ipykernel_and_what_the_spec_names() -> None:
    found = files_of(pip=["numpy>=2", "pandas"], torch="2.13.0")
    assert text(found["lists/packages.txt"]) == "ipykernel\nnumpy>=2\npandas\n"
    assert text(found["lists/torch.txt"]) == text(found["lists/constraints.txt"]) == "torch==2.13.0+cpu\n"
    assert json.loads(text(found["lists/torch.json"])) == {
        "version": "2.13.0",
        "build": "cpu",
        "npu": None,
        "of_base": False,
    }


def test_what_only_helps_torch_is_no_constraint() -> None:
    found = files_of(torch="2.12.0", accelerator="ascend", base="auto")
    assert text(found["lists/torch.txt"]).split() == [
        "torch==2.12.0+cpu",
        "torch-npu==2.12.0",
        "numpy",
        "pyyaml",
    ]
    assert text(found["lists/constraints.txt"]).split() == ["torch==2.12.0+cpu", "torch-npu==2.12.0"]


def test_without_torch_there_is_nothing_of_it() -> None:
    found = files_of()
    assert "lists/torch.txt" not in found and text(found["lists/constraints.txt"]) == ""


def test_the_tools_come_by_their_lock_or_by_their_lowest_versions() -> None:
    assert text(files_of()["locks/tools.txt"]) == compat.lock("tools")
    other = text(files_of(ide={"jupyterlab": {"version": "4.7.0"}})["locks/tools.txt"])
    assert other.split() == [
        *("jupyterlab==4.7.0", "jupyter-server>=2.20", "jupyter-server-proxy>=4.2"),
        *("supervisor>=4.3", "tensorboard>=2.18"),
    ]


def test_requirements_files_are_numbered_so_that_no_name_stands_in_an_instruction() -> None:
    names = ("a/b.txt", "a_b.txt", "c -r d.txt")
    given = [ContextFile(name=name, content=name.encode()) for name in names]
    found = files_of(*given, pip={"requirements": list(names)})
    assert [text(found[f"requirements/0{number}.txt"]) for number in (1, 2, 3)] == list(names)


def test_only_the_wheels_of_the_spec_s_folder_are_wheels() -> None:
    others = [
        ContextFile(name=name, content=b"") for name in ("wh/readme.md", "wh/in/mine-1-py3-none-any.whl")
    ]
    found = files_of(WHEEL, *others, pip={"wheels": "wh"})
    assert [name for name in found if name.startswith("wheels/")] == ["wheels/mine-1-py3-none-any.whl"]


def test_a_user_s_file_cannot_take_the_name_of_one_of_ours() -> None:
    given = {"source": "file", "file": "in/plan.sh", "sha256": "0" * 64, "extensions": ["in/a.vsix"]}
    found = files_of(VSIX, TAR, ide={"code_server": given})
    assert text(found["code-server/plan.sh"]).startswith("SOURCE=file\n")
    assert found["code-server/files/plan.sh"].content == Path("/in/plan.sh")
    assert found["extensions/a.vsix"].content == Path("/in/a.vsix")


def test_a_step_is_a_program_and_a_copy_keeps_its_tree() -> None:
    given = [
        ContextFile(name="s.py", content=b"#!/usr/bin/env python3\n"),
        ContextFile(name="data/one", content=b"1", mode=0o755),
        ContextFile(name="data/in/two", content=b"2"),
        ContextFile(name="database/three", content=b"3"),
    ]
    steps = [
        {"run": "echo $(id)"},
        {"script": "s.py"},
        {"copy": "data", "to": "/d"},
        {"copy": "s.py", "to": "/x"},
    ]
    found = {name: file for name, file in files_of(*given, steps=steps).items() if name.startswith("steps/")}
    assert found == {
        "steps/01/run": ContextFile(
            name="steps/01/run", content=b"#!/bin/bash\nset -euo pipefail\necho $(id)\n", mode=0o755
        ),
        "steps/02/run": ContextFile(name="steps/02/run", content=b"#!/usr/bin/env python3\n", mode=0o755),
        "steps/03/in/two": ContextFile(name="steps/03/in/two", content=b"2"),
        "steps/03/one": ContextFile(name="steps/03/one", content=b"1", mode=0o755),
        "steps/04/s.py": ContextFile(name="steps/04/s.py", content=b"#!/usr/bin/env python3\n"),
    }
