"""The probes run in other people's Pythons: 3.8 and newer."""

from __future__ import annotations

import ast

import pytest

from envkit import paths
from envkit.smoke import bundle

PROBES = sorted(paths.probes().glob("smoke_*.py"))
# What they may import: the standard library, torch, and each other.
STANDARD = {
    "contextlib", "ctypes", "datetime", "faulthandler", "gc", "importlib", "json", "math", "os", "pathlib",
    "platform", "re", "select", "shutil", "signal", "subprocess", "sys", "tempfile", "time", "traceback",
    "typing",
}  # fmt: skip


@pytest.mark.parametrize("path", PROBES, ids=lambda path: path.stem)
def test_it_is_python_3_8_and_needs_nothing_but_torch(path: object) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 8))  # type: ignore[attr-defined]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    assert found - STANDARD <= {"torch", "__future__"}


@pytest.mark.parametrize("path", PROBES, ids=lambda path: path.stem)
def test_what_is_evaluated_when_it_loads_is_python_3_8_too(path: object) -> None:
    """An annotation is not evaluated; a type's other name is."""
    tree = ast.parse(path.read_text("utf-8"))  # type: ignore[attr-defined]
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    words = [ast.unparse(value) for value in values]
    assert not [text for text in words if text.startswith(("dict[", "list[", "tuple[")) or " | " in text]


def test_a_marked_line_is_heard_and_no_other() -> None:
    assert bundle.heard('envkit-smoke {"end": true}') == {"end": True}
    for line in ("", "envkit-smoke", "envkit-smoke {", "envkit-smoke 1", '{"end": true}'):
        assert bundle.heard(line) is None
