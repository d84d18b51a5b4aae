"""The program that names what hides the image's packages, on a Python that has a user's folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envkit import paths

pytestmark = pytest.mark.real

PROGRAM = (paths.probes() / "user_site.py").read_text("utf-8")
PYTHON = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")


def ask(home: Path, *, directory: Path | None = None) -> list[list[str]]:
    """Ask the base's Python, whose own pip can be hidden."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [PYTHON, "-"], input=PROGRAM, env=environment | {"HOME": str(home)}, cwd=directory,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[list[str]] = json.loads(done.stdout)["shadows"]
    return found


def install(home: Path, name: str, version: str) -> None:
    """Put a package where `pip install --user` does."""
    folder = home / f".local/lib/python3.{sys.version_info.minor}/site-packages/{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_a_package_that_hides_another_is_named_with_both_versions(tmp_path: Path) -> None:
    install(tmp_path, "PIP", "0.1")
    install(tmp_path, "nobody_else_has_it", "1.0")
    [[name, home, image]] = ask(tmp_path)
    assert (name, home) == ("pip", "0.1")
    assert image != "0.1"


def test_a_home_without_packages_hides_nothing(tmp_path: Path) -> None:
    assert ask(tmp_path) == []


def test_a_module_in_the_folder_we_start_in_is_not_the_librarys(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the user\\'s own json.py')")
    assert ask(tmp_path, directory=tmp_path) == []
