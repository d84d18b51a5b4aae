"""envkit from a wheel, in an empty folder, without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = {"templates": "envkit/_templates", "images": "envkit/_images", "envkit": "envkit"}


def run(*words: str | Path, directory: Path) -> str:
    """Run a program to its end; return its stdout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        words, cwd=directory, env=clean, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build in place leaves folders behind."""
    copy = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        "dist",
        ".",
        directory=copy,
    )
    return next((copy / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh venv that holds the wheel."""
    venv = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", venv, directory=venv)
    run(venv / "bin" / "pip", "install", "--quiet", wheel, directory=venv)
    return venv / "bin"


def test_the_wheel_holds_every_file_that_is_shipped(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    for folder, place in SHIPPED.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{place}/{path.relative_to(ROOT / folder)}" in held


def test_an_installed_envkit_lists_and_renders_its_presets(installed: Path, tmp_path: Path) -> None:
    assert "build" in run(installed / "envkit", "--help", directory=tmp_path)
    assert "cpu" in run(installed / "envkit", "presets", directory=tmp_path)
    rendered = run(installed / "envkit", "render", "preset:cpu", directory=tmp_path)
    assert "\nFROM " in rendered
    assert rendered.rpartition("\nCMD ")[2].splitlines()[1].startswith("LABEL ")
    assert list(tmp_path.iterdir()) == []


def test_help_loads_no_heavy_library(installed: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from click.testing import CliRunner; from envkit.cli.main import envkit;"
        "print(CliRunner().invoke(envkit, ['--help']).exit_code, *sys.modules)"
    )
    code, *loaded = run(installed / "python", "-c", program, directory=tmp_path).split()
    heavy = {"docker", "jinja2", "paramiko", "pydantic", "requests", "rich", "yaml"}
    assert (code, heavy & set(loaded)) == ("0", set())
