"""The program that an image's own Python runs to say what it is."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from envkit import paths

PROGRAM = paths.probes() / "own_python.py"


def said(python: str, *folders: str, **env: str) -> dict[str, Any]:
    done = subprocess.run((python, "-", *folders), input=PROGRAM.read_bytes(), capture_output=True, env=env)
    line = done.stdout.decode().splitlines()[-1]
    found: dict[str, Any] = json.loads(line.removeprefix("envkit-python "))
    return found


def test_it_is_python_3_6() -> None:
    ast.parse(PROGRAM.read_text("utf-8"), feature_version=(3, 6))


@pytest.fixture
def python(tmp_path: Path) -> str:
    venv.create(tmp_path / "venv")
    return str(tmp_path / "venv" / "bin" / "python")


@pytest.mark.real
def test_a_virtual_environment_says_what_it_was_made_from(python: str) -> None:
    found = said(python)
    own = f"{Path(python).parents[1]}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    assert (found["program"], found["folders"], found["implementation"]) == (python, [own], "cpython")
    assert not found["interpreter"].startswith(str(Path(python).parents[1]))


@pytest.mark.real
def test_what_pythonpath_names_is_not_among_its_folders(python: str, tmp_path: Path) -> None:
    other = tmp_path / "other" / "site-packages"
    other.mkdir(parents=True)
    assert str(other) not in said(python, PYTHONPATH=str(other))["folders"]


@pytest.mark.real
def test_torch_is_read_and_not_imported(python: str) -> None:
    folder = Path(said(python)["folders"][0])
    (folder / "torch").mkdir()
    (folder / "torch" / "version.py").write_text("__version__ = '2.13.0+cu128'\ncuda = '12.8'\n")
    (folder / "torch" / "__init__.py").write_text("raise SystemExit(1)\n")
    (folder / "torch_npu").mkdir()
    found = said(python)
    assert (found["torch"], found["cuda"], found["npu"]) == ("2.13.0+cu128", "12.8", True)


@pytest.mark.real
def test_a_folder_that_others_cannot_pass_is_named(python: str, tmp_path: Path) -> None:
    (tmp_path / "venv").chmod(0o700)
    who = "g" if (tmp_path / "venv").stat().st_gid == 0 else "o"
    assert said(python)["closed"][str(tmp_path / "venv")] == who
