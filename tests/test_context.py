"""The build context: the same input gives the same names, modes and bytes."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from envkit import context
from envkit.errors import PlanError
from envkit.plan.facts import BuildFacts, ContextFile
from tests.renderings import FULL, SOURCES, planned, write_spec


@pytest.fixture
def umask() -> Iterator[None]:
    """Give a test a umask to change."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (
            stat.S_IMODE(path.stat().st_mode),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


def written(folder: Path, source: str | Path, *, mask: int = 0o022) -> dict[str, tuple[int, bytes]]:
    os.umask(mask)
    files = planned(source, BuildFacts()).files
    context.write_new(files, folder)
    return tree(folder)


def full_spec(folder: Path) -> Path:
    folder.mkdir()
    return write_spec(folder, FULL.replace("{code_server}", SOURCES["file"]))


@pytest.mark.usefixtures("umask")
def test_the_same_spec_gives_the_same_context(tmp_path: Path) -> None:
    spec = full_spec(tmp_path / "spec")
    assert written(tmp_path / "a", spec) == written(tmp_path / "b", spec)


@pytest.mark.usefixtures("umask")
def test_the_place_of_the_spec_does_not_matter(tmp_path: Path) -> None:
    first, second = full_spec(tmp_path / "here"), full_spec(tmp_path / "there")
    assert written(tmp_path / "a", first) == written(tmp_path / "b", second)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mask", [0o000, 0o002, 0o077])
def test_the_umask_does_not_matter(tmp_path: Path, mask: int) -> None:
    spec = full_spec(tmp_path / "spec")
    assert written(tmp_path / "a", spec) == written(tmp_path / "b", spec, mask=mask)


@pytest.mark.usefixtures("umask")
def test_every_user_may_read_everything_and_nobody_else_may_write(tmp_path: Path) -> None:
    modes = {mode for mode, _ in written(tmp_path / "a", "preset:cpu", mask=0o077).values()}
    assert modes == {0o755, 0o644}


@pytest.mark.usefixtures("umask")
def test_a_mode_counts_only_by_whether_its_owner_may_run_the_file(tmp_path: Path) -> None:
    spec = full_spec(tmp_path / "spec")
    before = written(tmp_path / "a", spec)
    (spec.parent / "data/one").chmod(0o600)
    assert written(tmp_path / "b", spec) == before
    (spec.parent / "data/one").chmod(0o700)
    assert written(tmp_path / "c", spec)["steps/06/one"] == (0o755, b"1\n")


def test_a_users_own_file_keeps_its_mode(tmp_path: Path) -> None:
    mine = tmp_path / "mine.whl"
    mine.write_bytes(b"wheel")
    mine.chmod(0o600)
    (tmp_path / "context").mkdir()
    context.write([ContextFile(name="wheels/mine.whl", content=mine)], tmp_path / "context")
    assert tree(tmp_path / "context")["wheels/mine.whl"] == (0o644, b"wheel")
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600


def test_a_large_file_is_not_copied_for_a_build(tmp_path: Path) -> None:
    mine = tmp_path / "mine.whl"
    mine.write_bytes(b"wheel")
    mine.chmod(0o644)
    (tmp_path / "context").mkdir()
    context.write([ContextFile(name="mine.whl", content=mine)], tmp_path / "context")
    assert (tmp_path / "context/mine.whl").stat().st_ino == mine.stat().st_ino


def test_a_context_that_is_kept_shares_no_file_with_the_spec(tmp_path: Path) -> None:
    mine = tmp_path / "mine.whl"
    mine.write_bytes(b"wheel")
    context.write_new([ContextFile(name="mine.whl", content=mine)], tmp_path / "context")
    assert (tmp_path / "context/mine.whl").stat().st_ino != mine.stat().st_ino


def test_a_link_to_a_wheel_is_taken_as_the_wheel(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/real").write_bytes(b"wheel")
    link = tmp_path / "mine.whl"
    link.symlink_to("store/real")
    (tmp_path / "context").mkdir()
    context.write([ContextFile(name="mine.whl", content=link)], tmp_path / "context")
    copied = tmp_path / "context/mine.whl"
    assert not copied.is_symlink() and copied.read_bytes() == b"wheel"


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(PlanError) as error:
        context.write_new([], tmp_path)
    assert (error.value.what, error.value.fix) == (
        f"{tmp_path} is there already, and not empty",
        "name a new folder",
    )


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlanError, match="cannot be written: Not a directory"):
        context.write_new([], tmp_path / "file/context")


def test_the_spec_s_settings_are_defaults_of_the_ides(tmp_path: Path) -> None:
    spec = full_spec(tmp_path / "spec")
    files = {file.name: file.content for file in planned(spec, BuildFacts()).files}
    lab = files["installed/jupyter/share/jupyter/lab/settings/overrides.json"]
    code = files["installed/code-server/lib/vscode/extensions/envkit.defaults/package.json"]
    assert isinstance(lab, bytes) and isinstance(code, bytes)
    assert json.loads(lab)["@jupyterlab/apputils-extension:themes"] == {"theme": "Dark"}
    defaults = json.loads(code)["contributes"]["configurationDefaults"]
    assert defaults["x"] == 1
    assert defaults["python.defaultInterpreterPath"] == "/opt/venv/bin/python"


def test_a_change_of_what_envkit_ships_changes_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    own = context.load_shipped()
    assert own.digest == context.load_shipped().digest != context.load_shipped(b"mine").digest
