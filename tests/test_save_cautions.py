"""What a save says before it begins."""

from __future__ import annotations

from envkit.save.findings import Unread
from envkit.save.plan import CommitOptions, plan_commit
from envkit.save.sight import Path, Unkept
from envkit.save.values import Value
from tests.saves import a_sight, added


def said(*files: Path, **other: object) -> str:
    return "\n".join(plan_commit(a_sight(*files, **other), CommitOptions(tag="lab:1"), None).warnings)


def test_a_file_larger_than_a_layer_may_be_is_named_with_who_would_refuse_it() -> None:
    told = said(added("/opt/model.bin", 4_200_000_000), added("/opt/small", 4_000_000_000))
    assert told.startswith(
        "/opt/model.bin (4.2 GB): a file is in one layer, and registries with a limit of 4 GB a layer would "
        "refuse it (ctyun, harbor): keep it in a mount"
    )


def test_what_no_layer_can_hold_is_named() -> None:
    socket = Unkept(path="/opt/a/socket", why="a socket")
    hides = Unkept(path="/etc/.wh.motd", why="its name means a deletion", hides=True)
    told = said(unkept=(socket, hides)).splitlines()
    assert "no layer can hold it, so it is not saved: /opt/a/socket (a socket)" in told
    assert "in a layer its name deletes another file, so the save refuses it: /etc/.wh.motd" in told


def test_values_that_cannot_be_searched_for_are_named_and_never_told() -> None:
    told = said(values=(Value(name="PIN", bytes=b"4711"), Value(name="KEY", bytes=b"Zk3vQ9pLx7Rt2WmB")))
    assert "too short or too common to be searched for, wherever it stands: the value of PIN" in told
    assert "4711" not in told
    assert "KEY" not in told


def test_what_was_not_searched_is_counted_and_named() -> None:
    unread = tuple(Unread(path=f"/opt/{number}.zst", why="zstd") for number in range(7))
    told = said(unread=unread)
    assert "7 not searched for secrets, or not to the end: /opt/0.zst: zstd, " in told
    assert "/opt/4.zst: zstd and 2 more" in told
