"""`--mount` as it is written, and what is refused."""

from __future__ import annotations

import pytest

from envkit.errors import UsageError
from envkit.plan.mounts import FolderMount, parse_mount, refuse_clashes


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("data=/srv/data", FolderMount(name="data", source="/srv/data")),
        ("data=/srv/data:rw", FolderMount(name="data", source="/srv/data")),
        ("a.b-c_1=/x:ro", FolderMount(name="a.b-c_1", source="/x", read_only=True)),
    ],
)
def test_a_mount_is_a_name_and_a_folder(text: str, mount: FolderMount) -> None:
    assert parse_mount(text) == mount
    assert parse_mount(str(mount)) == mount
    assert mount.target == f"/work/{mount.name}"


@pytest.mark.parametrize(
    "text", ["", "data", "=/x", "data=", "data=:ro", "../x=/x", "a/b=/x", "A=/x", ".a=/x", "a\n=/x"]
)
def test_what_is_no_mount_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="is not NAME=PATH") as caught:
        parse_mount(text)
    assert "--mount data=/srv/data:ro" in caught.value.fix


@pytest.mark.parametrize("name", ["home", "cache"])
def test_the_names_that_envkit_uses_itself_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"/work/{name} is there already"):
        parse_mount(f"{name}=/srv")


@pytest.mark.parametrize("path", ["..", "../x", "/srv/../etc", "/srv/.."])
def test_a_path_that_climbs_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match=r"has a `\.\.` in it"):
        parse_mount(f"x={path}")


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="--mount x= is given twice"):
        refuse_clashes((parse_mount("x=/a"), parse_mount("x=/b")), "/cache")


def test_a_folder_in_the_cache_is_refused() -> None:
    with pytest.raises(UsageError, match="lies in the cache /cache, where what is not used is removed"):
        refuse_clashes((parse_mount("x=/cache/data"),), "/cache")
