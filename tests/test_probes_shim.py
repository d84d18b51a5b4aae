"""The run's sitecustomize as text; tests/real/train/test_shim.py runs it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from envkit import paths

PROGRAMS = sorted(paths.probes().glob("shim_*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_python_of_3_8_can_read_it(program: Path) -> None:
    ast.parse(program.read_text(), feature_version=(3, 8))


def test_its_names_are_no_module_of_a_user_s() -> None:
    names = {program.stem.removeprefix("shim_") for program in PROGRAMS} - {"sitecustomize"}
    assert {name for name in names if not name.startswith("envkit_")} == set()
