"""The programs that write layers, in this process: what goes in, in which order, and cut where."""

from __future__ import annotations

import base64
import io
import os
import random
import shutil
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envkit.probes import layer_list, layer_tar
from envkit.save.receiving import Receiver
from envkit.save.trees import Record, compare
from tests.layer_trees import apply, grow, seen

CAP = 10**9


def layers(root: Path, folder: Path, **plan: Any) -> list[bytes]:
    """Run the program as a container would; return its layers."""
    out = io.BytesIO()
    layer_tar.main({"cap_bytes": CAP, **plan}, out, os.fsencode(root))
    folder.mkdir()
    receiver = Receiver(folder)
    receiver.take(out.getvalue())
    return [layer.path.read_bytes() for layer in receiver.whole()]


def names(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(layer), encoding="utf-8", errors="surrogateescape") as archive:
        return archive.getnames()


def listed(root: Path) -> list[Record]:
    out = io.BytesIO()
    layer_list.main({}, out, os.fsencode(root))
    rows = [row.split(b"\t", 2) for row in out.getvalue().split(b"\0")[:-1]]
    return [Record(parts=tuple(path.split(b"/")), what=what, very=very) for what, very, path in rows]


def changes(below: Path, above: Path) -> list[list[str]]:
    found = compare(iter(listed(below)), iter(listed(above)))
    return [["changed" if kind == "unsure" else kind, path] for path, kind in found]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


Make = Callable[..., list[bytes]]


@pytest.fixture
def made(tree: Path, tmp_path: Path) -> Make:
    return lambda **plan: layers(tree, tmp_path / "out", **plan)


@pytest.mark.parametrize("seed", range(12))
def test_layers_turn_one_tree_into_another(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    below, above = tmp_path / "below", tmp_path / "above"
    below.mkdir()
    grow(below, chance, steps=60)
    shutil.copytree(below, above, symlinks=True, copy_function=_copied)
    grow(above, chance, steps=60)
    for layer in layers(
        above, tmp_path / "out", changes=changes(below, above), cap_bytes=chance.choice((CAP, 30_000))
    ):
        apply(layer, below)
    assert seen(below) == seen(above)


def _copied(source: str, target: str) -> None:
    if os.path.islink(source) or os.path.isfile(source):
        shutil.copy2(source, target, follow_symlinks=False)
    else:
        os.mkfifo(target)


def test_a_file_under_two_names_is_one_file_in_one_layer(tree: Path, made: Make) -> None:
    for name in ("a", "b", "z/c"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_bytes(name.encode() * 20_000)
    os.link(tree / "a", tree / "z" / "also-a")
    found = made(changes=None, cap_bytes=50_000)
    assert [names(layer) for layer in found] == [["a", "z", "z/also-a", "b"], ["z", "z/c"]]


def test_every_layer_has_the_folders_above_its_files(tree: Path, made: Make) -> None:
    (tree / "deep" / "er").mkdir(parents=True)
    for name in ("one", "two"):
        (tree / "deep" / "er" / name).write_bytes(bytes(20_000))
    both = made(changes=[["added", "/deep/er/one"], ["added", "/deep/er/two"]], cap_bytes=30_000)
    assert [names(layer) for layer in both] == [
        ["deep", "deep/er", "deep/er/one"],
        ["deep", "deep/er", "deep/er/two"],
    ]


def test_a_file_above_the_cap_has_a_layer_of_its_own(tree: Path, made: Make) -> None:
    for name, size in (("a", 10), ("b", 90_000), ("c", 10)):
        (tree / name).write_bytes(bytes(size))
    assert [names(layer) for layer in made(changes=None, cap_bytes=30_000)] == [["a"], ["b"], ["c"]]


def test_what_went_is_a_whiteout_and_what_went_and_came_hides_what_was(tree: Path, made: Make) -> None:
    (tree / "new" / "in").mkdir(parents=True)
    (tree / "new" / "in" / "file").touch()
    asked = [["deleted", "/gone"], ["deleted", "/new"], ["added", "/new/in"], ["deleted", "/no/folder/here"]]
    (layer,) = made(changes=asked)
    assert names(layer) == [".wh.gone", "new", "new/.wh..wh..opq", "new/in", "new/in/file"]


def test_what_is_dropped_is_neither_there_nor_deleted(tree: Path, made: Make) -> None:
    for name in ("keep", "home/.cache/x", "home/deep/.cache/y", "home/token", "var/log/a.log", "var/log/b"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    gone = ["/home/token", "/home/.cache", "/home/deep/.cache", "/var/log/a.log"]
    (layer,) = made(changes=None, drop=gone)
    assert names(layer) == ["home", "home/deep", "keep", "var", "var/log", "var/log/b"]


def test_dropping_everything_makes_no_layer(tree: Path, made: Make) -> None:
    (tree / "a").touch()
    assert made(changes=[["added", "/a"], ["deleted", "/b"]], drop=["/a", "/b"]) == []


def test_a_replaced_file_has_its_new_content_and_its_old_owner_and_mode(tree: Path, made: Make) -> None:
    file = tree / "pip.conf"
    file.write_text("index-url = https://user:secret@host")
    file.chmod(0o600)
    new = b"index-url = https://host"
    (layer,) = made(changes=[["added", "/pip.conf"]], replace={"/pip.conf": base64.b64encode(new).decode()})
    assert b"secret" not in layer
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        entry = archive.getmember("pip.conf")
        content = archive.extractfile(entry)
        assert content is not None
        assert (content.read(), entry.mode, entry.uid) == (new, 0o600, os.getuid())


def test_neither_a_link_nor_its_target_elsewhere_is_followed(tree: Path, made: Make) -> None:
    (tree / "real").mkdir()
    (tree / "real" / "file").touch()
    (tree / "link").symlink_to("real")
    (layer,) = made(changes=[["added", "/link"], ["added", "/link/file"]])
    assert names(layer) == ["link"]


def test_a_socket_is_left_out_and_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)  # a socket's path has 107 bytes at most
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("door")
        out = io.BytesIO()
        layer_tar.main({"changes": [["added", "/door"]], "cap_bytes": CAP}, out, os.fsencode(tree))
    assert out.getvalue()[layer_tar.FRAME.size :] == b'{"entries": 0, "left_out": ["door"]}'


def test_what_the_engine_lays_over_an_image_is_not_read(tree: Path, made: Make) -> None:
    for name in ("proc/1/status", "etc/hosts", "etc/motd", "dev/null"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("of this machine")
    (layer,) = made(changes=None)
    assert names(layer) == ["dev", "etc", "etc/hosts", "etc/motd", "proc"]
    assert layer.count(b"of this machine") == 1


def test_what_the_engine_links_at_every_start_is_no_change(tree: Path, tmp_path: Path) -> None:
    below, above = tmp_path / "below", tmp_path / "above"
    for number, root in enumerate((below, above)):
        (root / "etc").mkdir(parents=True)
        (root / "etc" / "mtab").symlink_to("/proc/mounts")
        for path in (root / "etc" / "mtab", root / "etc"):
            os.utime(path, (number, number), follow_symlinks=False)
    (above / "etc" / "mine").write_text("kept\n")
    found = list(compare(iter(listed(below)), iter(listed(above))))
    assert found == [
        ("/etc/mine", "added"),
        ("/etc/mtab", "unsure"),
    ]  # unsure: their content decides, and is none
