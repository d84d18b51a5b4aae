"""Which code a project is, by git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envkit.hosts.local import LocalHost
from envkit.run.folder import Git
from envkit.run.source import git_of


@pytest.mark.real
def test_the_commit_and_what_differs_from_it(tmp_path: Path) -> None:
    assert git_of(LocalHost(), str(tmp_path)) is None
    git = ("git", "-C", str(tmp_path), "-c", "user.name=ada", "-c", "user.email=ada@lab")

    def run(*words: str) -> str:
        return subprocess.run((*git, *words), check=True, capture_output=True, text=True).stdout

    run("init", "-q", "-b", "trunk")
    assert git_of(LocalHost(), str(tmp_path)) is None  # nothing was committed yet
    (tmp_path / "train.py").write_text("lr = 1\n")
    run("add", ".")
    run("commit", "-q", "-m", "first")
    commit = run("rev-parse", "HEAD").strip()
    assert git_of(LocalHost(), str(tmp_path)) == Git(commit=commit, branch="trunk")
    (tmp_path / "train.py").write_text("lr = 2\n" * 200_000)
    found = git_of(LocalHost(), str(tmp_path))
    assert found is not None and found.dirty
    assert "-lr = 1" in found.diff
    assert "characters left out]" in found.diff and len(found.diff) < 1_000_100
