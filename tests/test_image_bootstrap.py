"""Making a base from its distribution's packages, on machines in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit import compat
from envkit.engines.fake import FakeEngine
from envkit.errors import HostError
from envkit.hosts.base import Command
from envkit.image.bootstrap import Wanted, bootstrap
from tests.scripted_host import DEBIAN, ROOT, ScriptedHost

BOOKWORM = Wanted(name="debian:12", reference="debian:12")
MIRROR = compat.table("distributions")["rows"]["debian:12"]["mirror"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# As `apt-get indextargets` prints them: site, suite, component, origin.
OWN_TARGETS = """\
http://mirror.corp/debian bookworm main Debian
http://mirror.corp/debian bookworm contrib Debian
http://mirror.corp/debian-security bookworm-security main Debian
https://user:secret@mirror.corp/debian bookworm-updates main Debian
https://packages.other/apt bookworm main Other
https://packages.other/apt nodistro main Other
"""
SETTINGS = """\
Acquire::http::Proxy "http://proxy.corp:3128";
Acquire::Check-Valid-Until "false";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
"""
OWN = (
    "deb http://mirror.corp/debian bookworm main",
    "deb http://mirror.corp/debian-security bookworm-security main",
)
DEFAULT = (
    f"deb {MIRROR} bookworm main",
    f"deb {MIRROR} bookworm-updates main",
    f"deb {MIRROR}-security bookworm-security main",
)


class Maker(ScriptedHost):
    """A machine whose mmdebstrap writes the tar that it was asked for, unless a mirror is in `down`."""

    down: tuple[str, ...] = ()

    def stream(self, command: Command, each_line) -> int:  # type: ignore[no-untyped-def]
        if command.words[0] == "mmdebstrap" and not any(
            part in " ".join(command.words) for part in self.down
        ):
            target = next(word for word in command.words if word.endswith("base.tar"))
            Path(target).write_bytes(b"a root filesystem")
            self.asked.append(command)
            return 0
        return super().stream(command, each_line)


def debian(**more: object) -> Maker:
    host = Maker(
        files={"/etc/os-release": DEBIAN, KEYRING: b"keys"},
        answers={**ROOT, "apt-get indextargets": (0, OWN_TARGETS), "apt-config dump": (0, SETTINGS)},
        programs={"mmdebstrap": ("/usr/bin/mmdebstrap",)},
    )
    for name, value in more.items():
        setattr(host, name, value)
    return host


def sources(host: ScriptedHost) -> list[tuple[str, ...]]:
    """Return the sources of each mmdebstrap that was run."""
    runs = (command.words for command in host.asked if command.words[0] == "mmdebstrap")
    return [tuple(word for word in words if word.startswith("deb ")) for words in runs]


def test_the_base_is_made_from_this_machines_own_sources_and_tagged_as_ours() -> None:
    engine, host = FakeEngine(), debian()
    bootstrap(BOOKWORM, engine, host, lambda line: None)
    made = engine.images.inspect("debian:12")
    assert made is not None
    assert made.labels == {
        "io.envkit.owned": "true",
        "io.envkit.kind": "base",
        "io.envkit.distribution": "debian:12",
    }
    assert sources(host) == [OWN]


def test_what_apt_is_told_of_the_network_serves_the_making_only() -> None:
    host = debian()
    bootstrap(BOOKWORM, FakeEngine(), host, lambda line: None)
    words = host.asked[-1].words
    assert [word for word in words if word.startswith("--aptopt=")] == [
        '--aptopt=Acquire::http::Proxy "http://proxy.corp:3128";',
        '--aptopt=Acquire::Check-Valid-Until "false";',
    ]
    assert '--customize-hook=rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"' in words
    assert f"--keyring={KEYRING}" in words


def test_another_release_is_made_from_the_same_mirror() -> None:
    host = debian()
    bootstrap(Wanted(name="debian:13", reference="debian:13"), FakeEngine(), host, lambda line: None)
    assert sources(host) == [tuple(line.replace("bookworm", "trixie") for line in OWN)]


def test_the_distributions_mirror_is_tried_when_the_own_one_fails() -> None:
    host = debian(down=("mirror.corp",))
    host.answers = {**host.answers, "mmdebstrap": (1, "E: Unable to locate package base-files")}
    bootstrap(BOOKWORM, FakeEngine(), host, lambda line: None)
    assert sources(host) == [OWN, DEFAULT]


def test_on_another_system_the_distributions_mirror_serves() -> None:
    host = debian()
    host.files["/etc/os-release"] = b"ID=fedora\nVERSION_CODENAME=x\n"
    bootstrap(BOOKWORM, FakeEngine(), host, lambda line: None)
    assert sources(host) == [DEFAULT]


def test_when_all_mirrors_fail_each_is_quoted_and_nothing_is_tagged() -> None:
    engine, host = FakeEngine(), debian(down=("mirror.corp", MIRROR))
    said = "I: running\nErr:1 http://x\n  Temporary failure resolving 'x'\nE: failed"
    host.answers = {**host.answers, "mmdebstrap": (25, said)}
    with pytest.raises(HostError) as caught:
        bootstrap(BOOKWORM, engine, host, lambda line: None)
    assert caught.value.what.count("mmdebstrap failed:") == 2
    assert "a name could not be resolved" in caught.value.fix
    assert engine.images.inspect("debian:12") is None


def test_without_mmdebstrap_root_gets_it_installed() -> None:
    host = debian(programs={})
    host.answers = {
        **host.answers,
        "dpkg": (0, ""),
        "apt-get": (0, ""),
        "apt-get indextargets": (0, OWN_TARGETS),
    }
    bootstrap(BOOKWORM, FakeEngine(), host, lambda line: None)
    assert "apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends mmdebstrap" in host.lines


def test_without_mmdebstrap_others_are_told_to_install_it() -> None:
    host = debian(programs={}, answers={"id -u": (0, "1000\n")})
    with pytest.raises(HostError) as caught:
        bootstrap(BOOKWORM, FakeEngine(), host, lambda line: None)
    assert (caught.value.what, caught.value.fix) == (
        "mmdebstrap is not here",
        "as root: `apt-get install mmdebstrap`",
    )


def test_without_the_distributions_keys_nothing_is_fetched() -> None:
    host = debian(files={"/etc/os-release": DEBIAN})
    with pytest.raises(HostError, match="the keys of debian's packages are not on this machine"):
        bootstrap(BOOKWORM, FakeEngine(), host, lambda line: None)
    assert sources(host) == []


def test_one_for_another_machine_is_that_machine_s_image() -> None:
    engine, host = FakeEngine(), debian()
    host.programs["arch-test"] = ("/usr/bin/arch-test",)
    arm = Wanted(name="debian:12", reference="x/debian:12", foreign="arm64")
    bootstrap(arm, engine, host, lambda line: None)
    assert any("--architectures=arm64" in command.words for command in host.asked)
    made = engine.images.inspect("x/debian:12")
    assert made and made.architecture == "arm64"


def test_mmdebstrap_needs_arch_test_for_another_machine() -> None:
    host = debian(answers={"id -u": (0, "1000\n")})
    arm = Wanted(name="debian:12", reference="x/debian:12", foreign="arm64")
    with pytest.raises(HostError, match="arch-test is not here") as error:
        bootstrap(arm, FakeEngine(), host, lambda line: None)
    assert error.value.fix == "as root: `apt-get install arch-test`"


def test_a_release_that_nobody_told_of_is_refused() -> None:
    with pytest.raises(HostError, match="envkit cannot make debian:9 itself"):
        bootstrap(Wanted(name="debian:9", reference="debian:9"), FakeEngine(), debian(), lambda line: None)
