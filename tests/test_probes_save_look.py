"""What is looked at in an environment before it is saved."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from envkit.probes.save_look import INSTALLING, environments, installed, packages, sizes, unkept


def test_a_file_has_its_size_and_one_of_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    (tmp_path / "link").symlink_to("a")
    asked = [str(tmp_path / name) for name in ("a", "b", "link", "gone", "")]
    assert sizes(asked) == [[5, False], [0, False], [0, False], [0, False], [0, True]]


def test_what_no_layer_can_hold_is_told(tmp_path: Path) -> None:
    for name in ("there", ".wh.there", ".wh.alone", ".wh..wh..opq", "file"):
        (tmp_path / name).touch()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
    names = ("s", ".wh.there", ".wh.alone", ".wh..wh..opq", "file", "gone")
    rows = unkept([str(tmp_path / name) for name in names])
    assert [(Path(str(row["path"])).name, row["why"], row["hides"]) for row in rows] == [
        ("s", "a socket", False),
        (".wh.there", "its name means a deletion", True),
        (".wh.alone", "its name means a deletion", False),
        (".wh..wh..opq", "its name means a deletion", True),
    ]


def test_what_was_installed_below_a_mount_is_found(tmp_path: Path) -> None:
    site = tmp_path / ".local/lib/python3.11/site-packages"
    (site / "attrs-24.0.dist-info").mkdir(parents=True)
    (site / "attrs-24.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: attrs\nVersion: 24.0\n")
    extension = tmp_path / ".local/share/code-server/extensions/ms.python-1"
    extension.mkdir(parents=True)
    about = {"publisher": "MS", "name": "python", "version": "1"}
    (extension / "package.json").write_text(json.dumps(about))
    (tmp_path / "work/env").mkdir(parents=True)
    (tmp_path / "work/env/pyvenv.cfg").touch()
    assert packages(site) == {"attrs": "24.0"}
    assert installed(tmp_path) == [
        {"kind": "pip", "name": "attrs", "version": "24.0"},
        {"kind": "extension", "name": "ms.python", "version": "1"},
        {"kind": "virtual environment", "name": str(tmp_path / "work/env"), "version": ""},
    ]


def test_it_does_not_look_deeper_than_it_was_told(tmp_path: Path) -> None:
    (tmp_path / "a/b/c/d").mkdir(parents=True)
    (tmp_path / "a/b/c/d/pyvenv.cfg").touch()
    assert environments(tmp_path, 3) == []
    assert environments(tmp_path, 4) == [tmp_path / "a/b/c/d/pyvenv.cfg"]


def test_an_installation_is_known_by_its_words() -> None:
    for words in (
        "/opt/venv/bin/python /opt/venv/bin/pip install -q torch",
        "uv pip install torch",
        "npm install left-pad",
        "conda env install x",
    ):
        assert INSTALLING.search(words), words
    for words in ("python train.py --add-noise", "uv run train.py", "pip list", "/opt/envkit/bin/supervise"):
        assert not INSTALLING.search(words), words
