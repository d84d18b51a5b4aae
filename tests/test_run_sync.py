"""--sync takes what git would take, and nothing that leads out of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.errors import UsageError
from envkit.run import sync
from envkit.run.sync import Project, project


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "proj"
    for name, content in {
        ".git/HEAD": "ref",
        ".git/info/exclude": "private.txt\n",
        ".gitignore": "*.ckpt\n!keep.ckpt\n/data/\n",
        "train.py": "print(1)\n",
        "a.ckpt": "",
        "keep.ckpt": "",
        "private.txt": "",
        "data/large.bin": "x",
        "src/pkg/mod.py": "",
        "src/pkg/.gitignore": "*.txt\n!/kept.ckpt\n",
        "src/pkg/notes.txt": "",
        "src/pkg/kept.ckpt": "",
        "src/data/small.csv": "1",
        "src/__pycache__/mod.pyc": "",
        "venv/pyvenv.cfg": "",
        "venv/lib/x.py": "",
        "ein Ordner/ü.py": "",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "inward").symlink_to("src/pkg")
    (root / "src" / "up.py").symlink_to("../train.py")
    (root / "outward").symlink_to("../../secret")
    (root / "absolute").symlink_to("/etc/passwd")
    return root


def test_it_takes_what_git_would(tree: Path) -> None:
    assert project(str(tree / "src/pkg/mod.py")) == Project(
        root=str(tree),
        files=(
            ".gitignore",
            "ein Ordner/ü.py",
            "inward",
            "keep.ckpt",
            "src/data/small.csv",
            "src/pkg/.gitignore",
            "src/pkg/kept.ckpt",
            "src/pkg/mod.py",
            "src/up.py",
            "train.py",
        ),
        size_bytes=53,
        left_out=("absolute", "outward"),
    )


def test_without_git_it_takes_the_scripts_folder(tmp_path: Path) -> None:
    (tmp_path / "one" / "more").mkdir(parents=True)
    (tmp_path / "one" / "x.py").touch()
    (tmp_path / "two.py").touch()
    assert project(str(tmp_path / "one" / "x.py")).files == ("x.py",)


def test_a_home_folder_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.py").touch()
    with pytest.raises(UsageError, match=f"--sync would copy all of {tmp_path}"):
        project(str(tmp_path / "x.py"))


def test_what_is_too_large_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "LARGEST_BYTES", 3 << 20)
    (tree / "weights.bin").write_bytes(b"x" * (4 << 20))
    with pytest.raises(UsageError, match=r"the project|more than 50000 files or 3 MiB") as caught:
        project(str(tree))
    assert "4 MiB  weights.bin" in caught.value.what and ".gitignore" in caught.value.fix


def test_too_many_files_are_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "MOST_FILES", 5)
    with pytest.raises(UsageError, match="more than 5 files"):
        project(str(tree))
