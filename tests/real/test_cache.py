"""`envkit cache` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.conftest import Envkit

pytestmark = pytest.mark.real


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    (folder / "huggingface" / "hub" / "models--a--b").mkdir(parents=True)
    (folder / ".envkit-cache").touch()
    (folder / "huggingface" / "hub" / "models--a--b" / "weights").write_bytes(b"x" * 3_000_000)
    return folder


def test_status_says_what_lies_there(envkit: Envkit, cache: Path) -> None:
    told = envkit("cache", "status", "--cache", str(cache))
    assert "huggingface/hub/models--a--b  3.0 MB" in told
    assert "kept for 3 d after its last use" in told


def test_clean_asks_first(cache: Path) -> None:
    program = str(Path(sys.executable).with_name("envkit"))
    words = (program, "cache", "clean", "--cache", str(cache), "--retention", "0")
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, "add --yes" in done.stderr) == (2, True)
    assert (cache / "huggingface" / "hub" / "models--a--b").exists()


def test_clean_removes_and_tells(envkit: Envkit, cache: Path) -> None:
    words = ("cache", "clean", "--cache", str(cache), "--retention", "0", "--json")
    dry = json.loads(envkit(*words, "--dry-run"))
    assert dry["states"]["unused"]["entries"] == 1
    done = json.loads(envkit(*words, "--yes"))
    assert done["states"]["removed"]["entries"] == 1
    assert not (cache / "huggingface" / "hub" / "models--a--b").exists()
