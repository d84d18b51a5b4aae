"""The script is found as the user means it: links, spaces, mounts, and what is nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from envkit.engines.values import Mount
from envkit.errors import UsageError
from envkit.hosts.local import LocalHost
from envkit.run import scripts
from envkit.run.scripts import Found, NotShown, Script

pytestmark = pytest.mark.real


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A home and a folder of data, with a second home inside the first."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def shown(self) -> tuple[Mount, ...]:
        return (
            Mount(source=str(self.home), target="/work/home"),
            Mount(source=str(self.home / "deep"), target="/work/code"),
            Mount(source=str(self.root / "data"), target="/work/data", read_only=True),
        )

    def inside(self, path: str | Path) -> Script:
        found = scripts.find(LocalHost(), str(path), self.shown)
        return scripts.script(LocalHost(), found, (), self.shown)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(root=tmp_path.resolve())
    for name in ("home/proj", "home/deep/er", "data", "elsewhere", "home/ein Ordner/ü"):
        (tree.root / name).mkdir(parents=True)
    for name in ("home/proj/train.py", "home/deep/er/train.py", "data/d.py", "elsewhere/e.py"):
        (tree.root / name).write_text("print(1)\n")
    (tree.home / "ein Ordner/ü/训练 'it'.py").write_text("print(1)\n")
    return tree


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("home/proj/train.py", "/work/home/proj/train.py"),
        ("home/proj/../proj/./train.py", "/work/home/proj/train.py"),
        ("home/deep/er/train.py", "/work/code/er/train.py"),
        ("data/d.py", "/work/data/d.py"),
        ("home/ein Ordner/ü/训练 'it'.py", "/work/home/ein Ordner/ü/训练 'it'.py"),
    ],
)
def test_a_path_is_translated_by_the_deepest_mount_that_holds_it(tree: Tree, path: str, target: str) -> None:
    found = tree.inside(f"{tree.root}/{path}")
    assert (found.kind, found.target, found.directory) == ("script", target, target.rpartition("/")[0])
    assert found.on_host == str((tree.root / path).resolve())


@pytest.mark.parametrize("inside", ["/work/home/proj/train.py", "/work/home/proj/../proj/train.py"])
def test_a_path_of_the_container_is_understood(tree: Tree, inside: str) -> None:
    assert tree.inside(inside).target == "/work/home/proj/train.py"


def test_links_are_followed_to_the_real_script(tree: Tree) -> None:
    (tree.root / "elsewhere/one").symlink_to(tree.root / "elsewhere/two")
    (tree.root / "elsewhere/two").symlink_to("../home/three.py")
    (tree.home / "three.py").symlink_to("proj/train.py")
    (tree.home / "folder").symlink_to(tree.home / "proj")
    for path in ("elsewhere/one", "home/three.py", "home/folder/train.py"):
        assert tree.inside(tree.root / path).target == "/work/home/proj/train.py"


def test_a_link_that_was_made_inside_is_followed_too(tree: Tree) -> None:
    (tree.home / "made.py").symlink_to("/work/home/again.py")
    (tree.home / "again.py").symlink_to("/work/data/d.py")
    assert tree.inside(tree.home / "made.py").target == "/work/data/d.py"


def test_a_dangling_link_is_named_with_all_that_led_to_it(tree: Tree) -> None:
    (tree.home / "a.py").symlink_to("b.py")
    (tree.home / "b.py").symlink_to("/nowhere/c.py")
    with pytest.raises(UsageError) as caught:
        tree.inside(tree.home / "a.py")
    assert caught.value.what == (
        f"{tree.home}/a.py leads nowhere:\n    {tree.home}/a.py -> b.py\n"
        f"    {tree.home}/b.py -> /nowhere/c.py"
    )


def test_links_in_a_circle_end(tree: Tree) -> None:
    (tree.home / "a.py").symlink_to("b.py")
    (tree.home / "b.py").symlink_to("a.py")
    with pytest.raises(UsageError, match="leads nowhere"):
        tree.inside(tree.home / "a.py")


def test_what_no_mount_holds_names_the_mounts_and_the_ways_out(tree: Tree) -> None:
    with pytest.raises(NotShown) as caught:
        tree.inside(tree.root / "elsewhere/e.py")
    assert caught.value.what == (
        f"{tree.root}/elsewhere/e.py is in no folder that the run sees:\n    /work/home is {tree.home}\n"
        f"    /work/code is {tree.home}/deep\n    /work/data is {tree.root}/data"
    )
    assert caught.value.fix == (
        f"--mount code={tree.root}/elsewhere shows it, --sync copies the project, "
        "or --home names another home"
    )


def test_a_way_out_is_none_that_would_be_refused(tree: Tree) -> None:
    outside = Found(asked="/tmp/e.py", real="/tmp/e.py")
    with pytest.raises(NotShown) as caught:
        scripts.translate(outside, tree.shown)
    assert "=/tmp" not in caught.value.fix and "--sync" not in caught.value.fix
    with pytest.raises(NotShown) as caught:
        scripts.translate(outside, tree.shown, fixed=True)
    assert caught.value.fix == (
        "move it into one of these folders, --sync copies the project, or --image in place of --env takes "
        "a container that is given other folders"
    )
    with pytest.raises(NotShown) as caught:
        scripts.folder(LocalHost(), "/etc", tree.shown, option="--workdir ")
    assert caught.value.fix == "--workdir DIR names one of these folders, or one below"


def test_a_link_out_of_the_mounts_is_told_with_where_it_leads(tree: Tree) -> None:
    (tree.home / "out.py").symlink_to(tree.root / "elsewhere/e.py")
    with pytest.raises(NotShown, match=r"out.py \(that is .*/elsewhere/e.py\) is in no folder"):
        tree.inside(tree.home / "out.py")


def test_a_neighbour_that_begins_alike_is_another_folder(tree: Tree) -> None:
    (tree.root / "home2").mkdir()
    (tree.root / "home2/x.py").touch()
    with pytest.raises(NotShown):
        tree.inside(tree.root / "home2/x.py")


@pytest.mark.parametrize("path", ["home/no.py", "nowhere/no.py", "home/proj/train.py/more"])
def test_what_is_not_there_is_said(tree: Tree, path: str) -> None:
    with pytest.raises(UsageError, match=f"there is no file {tree.root}/{path}"):
        tree.inside(f"{tree.root}/{path}")


def test_a_folder_is_no_script(tree: Tree) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        tree.inside(tree.home / "proj")


def test_a_name_that_no_terminal_shows_is_refused(tree: Tree) -> None:
    (tree.home / "a\tb.py").touch()
    with pytest.raises(UsageError, match="cannot be named in a container"):
        tree.inside(tree.home / "a\tb.py")
    strange = os.fsdecode(os.fsencode(tree.home) + b"/\xff.py")
    Path(strange).touch()
    with pytest.raises(UsageError, match=r"cannot be named|there is no file"):
        tree.inside(strange)


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.py", b"#!/bin/sh\n", "script"),
        ("a.sh", b"echo\n", "shell"),
        ("run", b"#!/bin/bash -e\necho\n", "shell"),
        ("run", b"#!/usr/bin/env python3\nprint(1)\n", "script"),
        ("run", b"\x7fELF\x02\x01", "command"),
        ("run", b"print(1)\n", "script"),
        ("empty", b"", "script"),
    ],
)
def test_a_file_is_run_as_its_name_or_first_line_says(tree: Tree, name: str, text: bytes, kind: str) -> None:
    (tree.home / name).write_bytes(text)
    assert tree.inside(tree.home / name).kind == kind


def test_a_module_is_run_where_the_caller_is(tree: Tree) -> None:
    directory = scripts.folder(LocalHost(), str(tree.home / "proj"), tree.shown)
    assert scripts.module("pkg.train", ("--a",), directory) == Script(
        kind="module", target="pkg.train", directory="/work/home/proj", args=("--a",)
    )
    with pytest.raises(UsageError, match="is no module"):
        scripts.module("pkg/train.py", (), directory)


def test_a_working_directory_must_be_a_folder(tree: Tree) -> None:
    with pytest.raises(UsageError, match=r"--workdir .*train.py is not a folder"):
        scripts.folder(LocalHost(), str(tree.home / "proj/train.py"), tree.shown, option="--workdir ")


def test_a_found_script_says_what_was_asked(tree: Tree) -> None:
    path = str(tree.home / "proj/train.py")
    assert scripts.find(LocalHost(), path, tree.shown) == Found(asked=path, real=path)
