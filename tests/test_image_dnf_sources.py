"""What dnf on this machine is told: a proxy, and a mirror of openEuler."""

from __future__ import annotations

import pytest

from envkit.image.dnf_sources import own_mirror, own_settings
from envkit.image.network import read_network
from envkit.plan.network import DNF_MIRROR
from tests.scripted_host import ScriptedHost

REPO = """\
[OS]
name=OS
baseurl=https://mirror.example/openeuler/openEuler-24.03-LTS-SP1/OS/$basearch/
enabled=1
gpgcheck=1
"""
OWN = REPO.replace("https://mirror.example/openeuler", "http://repo.openeuler.org")


def test_the_machine_s_mirror_is_the_folder_above_the_release() -> None:
    files = {"a.repo": "[x]\nbaseurl=https://vendor.example/openeuler/x/\n", "b.repo": REPO}
    assert own_mirror("openeuler:24.03", files) == "https://mirror.example/openeuler"
    assert own_mirror("openeuler:22.03", {"a.repo": REPO.replace("24.03", "22.03")}).endswith("/openeuler")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no ini",
        OWN,
        REPO.replace("enabled=1", "enabled=0"),
        REPO.replace("gpgcheck=1", "gpgcheck=0"),
        REPO.replace("https:", "file:"),
        REPO.replace("openEuler-24.03-LTS-SP1/OS", "fedora"),
    ],
)
def test_what_is_no_mirror_is_left_out(text: str) -> None:
    assert own_mirror("openeuler:24.03", {"a.repo": text}) == ""


@pytest.mark.parametrize("name", ["debian:12", "fedora:40", ":"])
def test_a_machine_of_another_kind_has_no_mirror_for_us(name: str) -> None:
    assert own_mirror(name, {"a.repo": REPO}) == ""


def test_of_dnf_s_settings_those_of_the_network_are_taken() -> None:
    text = "[main]\ngpgcheck=0\nproxy = http://p:3128\nproxy_password=x\nretries=\n[other]\ntimeout=1\n"
    assert own_settings(text) == {"proxy": "http://p:3128", "proxy_password": "x"}
    assert own_settings("no ini") == own_settings("") == {}


def test_a_machine_of_openeuler_s_is_read_whole() -> None:
    files = {
        "/etc/os-release": 'NAME="openEuler"\nID="openEuler"\nVERSION_ID="24.03"\n',
        "/etc/yum.repos.d/openEuler.repo": REPO,
        "/etc/dnf/dnf.conf": "[main]\nproxy=http://p\n",
    }
    host = ScriptedHost(
        files={name: text.encode() for name, text in files.items()},
        programs={"find": ("/usr/bin/find",)},
        answers={
            "find /etc/yum.repos.d": (0, "/etc/yum.repos.d/openEuler.repo\n"),
            "find /etc/apt": (1, ""),
        },
    )
    found = read_network(host, {})
    assert (found.distribution, found.dnf_mirror) == ("openeuler:24.03", "https://mirror.example/openeuler")
    assert found.dnf == {"proxy": "http://p"}
    named = read_network(host, {DNF_MIRROR: "http://mine.example/oe/"})
    assert named.dnf_mirror == "http://mine.example/oe"
