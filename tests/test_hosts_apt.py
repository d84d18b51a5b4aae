"""Installing packages, on a machine in memory."""

from __future__ import annotations

import pytest

from envkit.errors import HostError
from envkit.hosts.apt import install, is_apt_machine
from tests.scripted_host import DEBIAN, ScriptedHost

LIST = r"dpkg-query -W -f ${db:Status-Eflag} ${binary:Package}\n"
GOOD = {"dpkg --configure -a": (0, ""), "apt-get": (0, ""), LIST: (0, "ok apt\nok dpkg\n")}


def test_a_killed_installation_is_finished_before_the_lists_are_read_and_packages_installed() -> None:
    host = ScriptedHost(answers=GOOD)
    install(host, ["docker.io", "iptables"], lambda line: None)
    assert host.lines == [
        "dpkg --configure -a --force-confdef --force-confold",
        "apt-get -o DPkg::Lock::Timeout=300 update",
        LIST,
        "apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends docker.io iptables",
    ]
    assert {command.env["DEBIAN_FRONTEND"] for command in host.asked} == {"noninteractive"}


def test_what_is_being_set_up_is_told() -> None:
    said = "Reading package lists...\nSetting up runc (1.1.5) ...\n"
    lines: list[str] = []
    host = ScriptedHost(answers={**GOOD, "apt-get -o DPkg::Lock::Timeout=300 install": (0, said)})
    install(host, ["runc"], lines.append)
    assert lines == [
        "reading the package lists (apt-get update)",
        "installing runc",
        "  Setting up runc (1.1.5) (0 s)",
    ]


def test_what_dpkg_was_killed_at_is_unpacked_again() -> None:
    listed = "reinstreq libdevmapper1.02.1:amd64\nok dmsetup\nreinstreq runc\n"
    host = ScriptedHost(answers={**GOOD, LIST: (0, listed), "sh -c": (0, "")})
    told: list[str] = []
    install(host, ["docker.io"], told.append)
    assert host.lines[3].endswith(" unpack libdevmapper1.02.1:amd64 runc") and "apt-get" in host.lines[3]
    names = "libdevmapper1.02.1:amd64, runc"
    assert told[1] == f"unpacking {names} again: an earlier installation was cut off there"


def test_a_broken_third_party_source_does_not_stop_it() -> None:
    host = ScriptedHost(
        answers={**GOOD, "apt-get -o DPkg::Lock::Timeout=300 update": (100, "E: no Release file")}
    )
    install(host, ["runc"], lambda line: None)
    assert host.lines[-1].endswith("runc")


def test_what_a_killed_installation_broke_is_mended_first() -> None:
    said = "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution)."
    host = ScriptedHost(answers={**GOOD, "apt-get -o DPkg::Lock::Timeout=300 install": (100, said)})
    with pytest.raises(HostError, match="Unmet dependencies"):
        install(host, ["runc"], lambda line: None)
    assert host.lines[4] == "apt-get -o DPkg::Lock::Timeout=300 --fix-broken install --yes"
    assert host.lines[5] == host.lines[3]


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("E: Could not get lock /var/lib/dpkg/lock-frontend.", "another apt runs: wait until it is done"),
        (
            "Err:1 http://x bookworm InRelease\n  Temporary failure resolving 'x'\n",
            "look at this machine's DNS",
        ),
        ("E: Unable to locate package docker.io", "`main` of Debian and `universe` of Ubuntu do"),
        ("E: Release file for http://x is not valid yet (invalid for another 3h)", "clock is behind: set it"),
        (
            "E: You don't have enough free space: not enough free space in /var",
            "free space on this machine's disk",
        ),
        ("E: something new", "run it by hand to see more: apt-get update && apt-get install docker.io"),
    ],
)
def test_a_failure_is_quoted_with_its_fix(said: str, fix: str) -> None:
    host = ScriptedHost(
        answers={**GOOD, "apt-get -o DPkg::Lock::Timeout=300 install": (100, f"noise\n{said}")}
    )
    with pytest.raises(HostError) as caught:
        install(host, ["docker.io"], lambda line: None)
    assert caught.value.what.startswith("apt-get could not install docker.io:\n    E")
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        (DEBIAN, True),
        (b'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', True),
        (b'ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        (b'ID="openEuler"\n', False),
        (b'NAME="not debian"\nID=fedora\n', False),
        (b"", False),
    ],
)
def test_a_machine_with_apt_is_told_by_its_release_file(release: bytes, expected: bool) -> None:
    assert is_apt_machine(ScriptedHost(files={"/etc/os-release": release})) is expected
