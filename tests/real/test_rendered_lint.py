"""What linters and another process say of what envkit renders and ships."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envkit import paths
from tests.renderings import texts

pytestmark = pytest.mark.real

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
CONTEXT = """
import os, sys
from pathlib import Path
os.umask(int(sys.argv[2], 8))
from envkit.cli.main import envkit
envkit(["render", "preset:cpu", "--context", sys.argv[1]])
"""


def test_hadolint_finds_nothing_in_any_dockerfile(tmp_path: Path) -> None:
    for name, text in texts().items():
        (tmp_path / name).write_text(text, "utf-8")
    done = subprocess.run([BIN / "hadolint", *sorted(tmp_path.iterdir())], capture_output=True, text=True)
    assert done.stdout + done.stderr == ""


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cd /tmp; sudo true\n")
    done = subprocess.run([BIN / "hadolint", tmp_path / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode != 0 and "DL3006" in done.stdout


def test_shellcheck_finds_nothing_in_the_scripts_of_images() -> None:
    scripts = sorted(paths.probes().glob("*.sh"))
    assert len(scripts) > 5
    done = subprocess.run([BIN / "shellcheck", *scripts], capture_output=True, text=True)
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize(("seed", "umask"), [("0", "022"), ("1", "077"), ("2", "000")])
def test_another_process_writes_the_same_context(tmp_path: Path, seed: str, umask: str) -> None:
    digests = set()
    for name, environment in (("a", {"PYTHONHASHSEED": "3"}), ("b", {"PYTHONHASHSEED": seed})):
        mask = "022" if name == "a" else umask
        words = [sys.executable, "-c", CONTEXT, str(tmp_path / name), mask]
        subprocess.run(words, check=True, cwd=ROOT, env={**os.environ, **environment}, capture_output=True)
        digests.add(digest(tmp_path / name))
    assert len(digests) == 1


def digest(folder: Path) -> str:
    """Return one digest of all names, modes and bytes."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        found.update(
            f"{path.relative_to(folder)}\0{path.stat().st_mode:o}\0{len(content)}\0".encode() + content
        )
    return found.hexdigest()
