"""The host's side of /work: which filesystem bears no database."""

from __future__ import annotations

import pytest

from envkit.environment.tree import home_filesystem
from tests.scripted_host import ScriptedHost

ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"


def machine(*lines: str) -> ScriptedHost:
    return ScriptedHost(files={"/proc/self/mountinfo": (ROOT + "".join(lines)).encode()})


def mount(point: str, kind: str) -> str:
    return f"40 22 0:50 / {point} rw,relatime shared:2 - {kind} server:/x rw\n"


def test_a_local_disk_bears_databases() -> None:
    assert home_filesystem(machine(mount("/nfs", "nfs4")), "/home/ada") == ""


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "lustre", "fuse.bindfs", "fuse", "cifs", "ceph"])
def test_a_networks_filesystem_or_fuse_bears_none(kind: str) -> None:
    assert home_filesystem(machine(mount("/home", kind)), "/home/ada/envkit/home") == kind


def test_the_nearest_mount_counts() -> None:
    host = machine(mount("/home", "nfs4"), mount("/home/ada/local", "xfs"))
    assert home_filesystem(host, "/home/ada/local/home") == ""
    assert home_filesystem(host, "/home/ada/localhost") == "nfs4"


def test_the_last_of_two_mounts_at_one_place_counts() -> None:
    host = machine(mount("/data", "nfs4"), mount("/data", "ext4"))
    assert home_filesystem(host, "/data/home") == ""


def test_a_mount_inside_the_home_counts_where_the_ides_keep_state() -> None:
    assert home_filesystem(machine(mount("/data/home/.local", "nfs4")), "/data/home") == "nfs4"
    assert home_filesystem(machine(mount("/data/home/datasets", "nfs4")), "/data/home") == ""


def test_a_path_with_a_space_is_understood() -> None:
    assert home_filesystem(machine(mount(r"/my\040home", "fuse.sshfs")), "/my home/ada") == "fuse.sshfs"


def test_a_machine_that_does_not_tell_is_taken_as_local() -> None:
    assert home_filesystem(ScriptedHost(), "/home/ada") == ""
