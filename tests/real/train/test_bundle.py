"""Programs go to another Python as text, and as bytecode where it is of our version."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from envkit import paths
from envkit.container import bundle

pytestmark = pytest.mark.real


@pytest.fixture
def probes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs of the test's own, beside what starts them."""
    (tmp_path / "boot.py").write_bytes((paths.probes() / "boot.py").read_bytes())
    (tmp_path / "run_said.py").write_text("WORDS = 'as it was compiled'\n", "utf-8")
    (tmp_path / "run_main.py").write_text(
        "from .run_said import WORDS\n\n\ndef main(plan):\n    print(WORDS, plan['more'])\n", "utf-8"
    )
    monkeypatch.setattr(paths, "probes", lambda: tmp_path)
    return tmp_path


def said(packed: bytes, folder: Path) -> str:
    """Run a bundle as a container does: from a file."""
    (folder / "bundle.json").write_bytes(packed)
    words = [sys.executable, "-I", "-S", *bundle.program(bundle.sources(), str(folder / "bundle.json"))]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_a_python_of_our_version_runs_the_bytecode(probes: Path) -> None:
    programs = {**bundle.sources("run_*"), "run_said": "WORDS = 'as it is written'"}
    packed = bundle.pack_compiled(programs, "run_*", "run_main", {"more": 1})
    assert said(packed, probes) == "as it was compiled 1\n"


def test_a_python_of_another_version_runs_the_text(probes: Path) -> None:
    programs = {**bundle.sources("run_*"), "run_said": "WORDS = 'as it is written'"}
    told = json.loads(bundle.pack_compiled(programs, "run_*", "run_main", {"more": 1}))
    told["compiled"]["magic"] = "00000000"
    assert said(json.dumps(told).encode(), probes) == "as it is written 1\n"
