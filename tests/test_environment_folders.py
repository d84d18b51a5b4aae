"""The folders behind /work: what is refused, what is made, for whom."""

from __future__ import annotations

import pytest

from envkit.environment.folders import check_mount, prepare, resolve
from envkit.errors import UsageError
from envkit.plan.mounts import FolderMount
from envkit.plan.run_plan import Caller
from tests.environments import TalkingHost

ADA = Caller(uid=1000, gid=100, name="ada")
ROOT = Caller(uid=0, gid=0, name="root")


def folder(mode: int, uid: int, gid: int) -> TalkingHost:
    return TalkingHost({"stat": f"{mode:x} {uid} {gid}\n"})


@pytest.mark.parametrize(
    "real",
    [
        "/",
        "/etc",
        "/etc/ssh",
        "/usr/local",
        "/run/docker.sock",
        "/var/lib/docker",
        "/proc/1",
        "/dev",
        "/home",
        "/tmp",
    ],
)
def test_a_part_of_the_system_is_refused(real: str) -> None:
    with pytest.raises(UsageError, match=rf"^--home {real}: "):
        resolve(TalkingHost({"realpath": real + "\n"}), real, option="--home")


def test_a_link_to_a_part_of_the_system_is_refused_by_where_it_leads() -> None:
    with pytest.raises(UsageError, match=r"--home /home/ada/x \(that is /etc\): /etc belongs to the system"):
        resolve(TalkingHost({"realpath": "/etc\n"}), "/home/ada/x", option="--home")


@pytest.mark.parametrize(
    "real", ["/home/ada", "/root/envkit/home", "/etcetera", "/tmp/x", "/var/home/ada", "/data"]
)
def test_a_folder_of_ones_own_is_taken(real: str) -> None:
    assert resolve(TalkingHost({"realpath": real + "\n"}), "x", option="--home") == real


def test_a_missing_folder_is_made_for_the_caller_alone() -> None:
    host = TalkingHost({"install": ""})
    prepare(host, "/data/home", ADA)
    assert host.heard[-1] == ("install", "-d", "-m", "0700", "-o", "1000", "-g", "100", "--", "/data/home")


@pytest.mark.parametrize(
    ("caller", "mode", "uid", "gid"),
    [
        (ADA, 0o40700, 1000, 100),
        (ADA, 0o40770, 0, 0),  # the container's user is in group 0
        (ADA, 0o40770, 5, 100),
        (ADA, 0o40777, 5, 5),
        (ROOT, 0o40700, 5, 5),
    ],
)
def test_a_folder_that_the_caller_can_write_to_stays_untouched(
    caller: Caller, mode: int, uid: int, gid: int
) -> None:
    host = folder(mode, uid, gid)
    prepare(host, "/data/home", caller)
    assert [words[0] for words in host.heard] == ["stat"]


@pytest.mark.parametrize(("mode", "uid", "gid"), [(0o40755, 0, 0), (0o40500, 1000, 100), (0o40757, 5, 100)])
def test_a_folder_that_the_caller_cannot_write_to_is_refused(mode: int, uid: int, gid: int) -> None:
    with pytest.raises(UsageError, match="/data/home is not writable for you") as caught:
        prepare(folder(mode, uid, gid), "/data/home", ADA)
    assert "sudo chown 1000 /data/home" in caught.value.fix


def test_a_file_is_no_folder() -> None:
    with pytest.raises(UsageError, match="/data/home is not a folder"):
        prepare(folder(0o100700, 1000, 100), "/data/home", ADA)


@pytest.mark.parametrize("real", ["/data/a:b", "/data/a\x1bb"])
def test_a_path_that_the_engine_would_misread_is_refused(real: str) -> None:
    with pytest.raises(UsageError, match="the engine takes no `:`"):
        resolve(TalkingHost({"realpath": real + "\n"}), real, option="--home")


ENGINE = ("/run/docker.sock", "/data/docker")


def mount(source: str, *, read_only: bool = False) -> FolderMount:
    return FolderMount(name="x", source=source, read_only=read_only)


def place(real: str, mode: int = 0o40755, uid: int = 1000) -> TalkingHost:
    return TalkingHost({"realpath": real + "\n", "stat": f"{mode:x} {uid} {uid}\n"})


def test_a_mount_gets_its_real_path() -> None:
    assert check_mount(place("/data/real"), mount("/data/link"), ADA, ENGINE) == mount("/data/real")


@pytest.mark.parametrize(
    ("real", "words"),
    [
        ("/", "reaches the engine itself"),
        ("/run", "reaches the engine itself"),
        ("/data", "reaches the engine itself"),
        ("/data/docker/volumes", "reaches the engine itself"),
        ("/etc", "belongs to the system"),
        ("/mnt", "is not one person's folder"),
    ],
)
def test_a_mount_of_the_system_needs_the_flag(real: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        check_mount(place(real), mount("/data/link"), ADA, ENGINE)
    assert "--allow-system-mounts" in caught.value.fix
    assert check_mount(place(real), mount("/data/link", read_only=True), ADA, None).source == real


def test_a_mount_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="--mount x=/data/x: there is no such folder"):
        check_mount(TalkingHost({"realpath": "/data/x\n"}), mount("/data/x"), ADA, ENGINE)


def test_a_mount_of_a_file_is_refused() -> None:
    with pytest.raises(UsageError, match="/data/x is not a folder"):
        check_mount(place("/data/x", mode=0o100644), mount("/data/x"), ADA, ENGINE)


def test_a_mount_that_the_caller_may_only_read_says_so() -> None:
    with pytest.raises(UsageError, match="is not writable for you") as caught:
        check_mount(place("/data/x", uid=5), mount("/data/x"), ADA, ENGINE)
    assert "`--mount x=/data/x:ro` if reading is enough" in caught.value.fix
    assert check_mount(place("/data/x", uid=5), mount("/data/x", read_only=True), ADA, ENGINE).read_only


def test_a_mount_that_the_caller_cannot_even_read_is_refused() -> None:
    with pytest.raises(UsageError, match="is not readable for you"):
        check_mount(place("/data/x", mode=0o40700, uid=5), mount("/data/x", read_only=True), ADA, ENGINE)
