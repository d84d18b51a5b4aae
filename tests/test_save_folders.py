"""Many changed paths in a few folders."""

from __future__ import annotations

from envkit.save.folders import Folder, summed_up
from envkit.save.sight import Path
from tests.saves import added


def test_a_folder_that_holds_all_is_opened() -> None:
    files = (added("/opt/mine/a", 5), added("/opt/mine/b", 7), added("/usr/bin/tree", 20))
    assert summed_up(files) == (
        Folder(path="/usr/bin", files=1, deleted=0, size_bytes=20),
        Folder(path="/opt/mine", files=2, deleted=0, size_bytes=12),
    )


def test_there_are_never_more_rows_than_asked_for_and_nothing_is_lost() -> None:
    files = tuple(added(f"/opt/{n % 17}/{n % 5}/{n}", n) for n in range(200))
    found = summed_up(files, rows=6)
    assert len(found) <= 6
    assert sum(one.files for one in found) == 200
    assert sum(one.size_bytes or 0 for one in found) == sum(range(200))


def test_a_deleted_file_is_counted_as_such() -> None:
    gone = Path(path="/etc/motd", kind="deleted")
    assert summed_up((gone,)) == (Folder(path="/etc", files=0, deleted=1, size_bytes=0),)


def test_a_size_that_nobody_saw_is_not_made_up() -> None:
    assert summed_up((added("/etc/a", None),))[0].size_bytes is None


def test_folders_alone_are_no_files() -> None:
    assert summed_up((added("/etc", folder=True),)) == ()


def test_a_file_at_the_root_is_told_there() -> None:
    assert [one.path for one in summed_up((added("/x"), added("/opt/y/z")))] == ["/"]
