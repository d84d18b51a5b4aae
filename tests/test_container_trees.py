"""Tar streams: what comes out is what went in, and nothing lands where it does not belong."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from envkit.container.trees import Escapes, pack, unpack
from envkit.errors import EnvkitError


def archive(*entries: tuple[str, str, str]) -> io.BytesIO:
    """Make an archive of (kind, name, content or link)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for kind, name, text in entries:
            entry = tarfile.TarInfo(name)
            entry.type = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}.get(
                kind, tarfile.LNKTYPE if kind == "hard" else tarfile.FIFOTYPE
            )
            entry.mode = 0o755
            if kind == "file":
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
            else:
                entry.linkname = text
                tar.addfile(entry)
    made.seek(0)
    return made


def quiet(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with all that may be copied."""
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").write_bytes(os.urandom(3_000_000))
    (folder / "run").write_text("#!/bin/sh\n", encoding="ascii")
    (folder / "run").chmod(0o750)
    (folder / "link").symlink_to("run")
    os.link(folder / "run", folder / "twin")
    return folder


def test_what_comes_out_is_what_went_in(tree: Path, tmp_path: Path) -> None:
    stream = io.BytesIO()
    pack(tree, "name", stream, quiet)
    stream.seek(0)
    assert unpack(stream, "name", tmp_path / "copy", quiet)
    copy = tmp_path / "copy"
    assert (copy / "sub" / "file").read_bytes() == (tree / "sub" / "file").read_bytes()
    assert (copy / "run").stat().st_mode & 0o777 == 0o750
    assert (copy / "link").readlink() == Path("run")
    assert (copy / "twin").samefile(copy / "run")
    assert sorted(path.name for path in copy.iterdir()) == ["link", "run", "sub", "twin"]


def test_a_second_copy_takes_the_place_of_the_first(tree: Path, tmp_path: Path) -> None:
    for text in ("one", "two"):
        (tree / "run").write_text(text, encoding="ascii")
        stream = io.BytesIO()
        pack(tree, "t", stream, quiet)
        stream.seek(0)
        unpack(stream, "t", tmp_path / "copy", quiet)
        assert (tmp_path / "copy" / "run").read_text("ascii") == text


def test_what_is_no_file_is_left_out_aloud(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said: list[str] = []
    pack(tmp_path / "pipe", "pipe", io.BytesIO(), said.append)
    unpack(archive(("pipe", "t", "")), "t", tmp_path / "copy", said.append)
    assert said == [
        f"{name} is left out: it is neither a file, a folder nor a link" for name in ("pipe", "t")
    ]


@pytest.mark.parametrize(
    "entries",
    [
        [("file", "../out", "x")],
        [("file", "t/../../out", "x")],
        [("file", "/out", "x")],
        [("file", "other", "x")],
        [("file", ".", "x")],
        [("folder", "t", ""), ("link", "t/a", "{outside}"), ("file", "t/a/file", "x")],
        [("folder", "t", ""), ("link", "t/a", ".."), ("file", "t/a/out", "x")],
        [("folder", "t", ""), ("hard", "t/a", "../out")],
        [("folder", "t", ""), ("link", "t/a", "{outside}"), ("hard", "t/b", "t/a/kept")],
    ],
    ids=["dots", "dots inside", "root", "another name", "itself", "link", "link up", "hard", "hard by link"],
)
def test_nothing_is_written_outside(tmp_path: Path, entries: list[tuple[str, str, str]]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept", encoding="ascii")
    told = [(kind, name, text.format(outside=outside)) for kind, name, text in entries]
    with pytest.raises(Escapes):
        unpack(archive(*told), "t", tmp_path / "t", quiet)
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert not (tmp_path / "out").exists()


def test_a_link_that_was_there_before_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(Escapes):
        unpack(archive(("file", "t/a/file", "x")), "t", tmp_path / "t", quiet)
    (tmp_path / "t" / "b").symlink_to(tmp_path / "outside" / "b")
    unpack(archive(("file", "t/b", "x")), "t", tmp_path / "t", quiet)
    assert list((tmp_path / "outside").iterdir()) == []
    assert (tmp_path / "t" / "b").read_text("ascii") == "x"


def test_a_copy_that_broke_off_leaves_no_half_file(tmp_path: Path) -> None:
    whole = archive(("file", "t", "x" * 5000)).getvalue()
    assert not unpack(io.BytesIO(whole[:2000]), "t", tmp_path / "t", quiet)
    assert not unpack(io.BytesIO(b""), "t", tmp_path / "t", quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    with pytest.raises(EnvkitError, match="is a folder, the copy holds a file of that name"):
        unpack(archive(("file", "t", "x")), "t", tmp_path / "t", quiet)
    assert list(tmp_path.iterdir()) == [tmp_path / "t"]
