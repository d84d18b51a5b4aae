"""`envkit engine start` on a bare Debian: a root filesystem in namespaces of its own, no engine in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.getuid() != 0, reason="namespaces and chroot need root"),
]

REPOSITORY = Path(__file__).resolve().parents[2]
ENTER = Path(__file__).with_name("bare") / "enter.sh"
PYTHON = Path(os.path.realpath(sys.executable)).parents[1]
# On this machine's own network its engine must not be disturbed: no rules, and a bridge of the test's own.
# ("bridge": "none" would remove the running engine's docker0 as it starts.)
BRIDGE = "envkit-bare"
QUIET = json.dumps({"iptables": False, "ip-forward": False, "bridge": BRIDGE})


@dataclass(frozen=True, kw_only=True)
class Bare:
    """A bare machine: what it holds stays between calls, its processes and mounts do not."""

    root: Path

    def sh(
        self, script: str, *, network: str = "host", timeout_s: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a script in it; with network "own" it has nothing but its own loopback."""
        own = ["--net"] if network == "own" else []
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *own, str(ENTER)]
        words += [str(self.root), str(REPOSITORY), str(PYTHON), "bash", "-c", script]
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)

    def configure(self, text: str) -> None:
        folder = self.root / "etc" / "docker"
        folder.mkdir(exist_ok=True)
        (folder / "daemon.json").write_text(text, encoding="ascii")


@pytest.fixture(scope="module")
def bridge() -> Iterator[None]:
    """A bridge for the engines of the bare machine, with an address that documentation uses (RFC 5737)."""
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", "192.0.2.1/24", "dev", BRIDGE], check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "delete", BRIDGE], check=True)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, bridge: None, debian: str) -> Iterator[Bare]:
    """The base image's files with this machine's own apt sources and resolver."""
    root = tmp_path_factory.mktemp("bare") / "root"
    root.mkdir()
    client = docker.from_env()
    container = client.containers.create(debian, "true", labels={"io.envkit.test": "bare"})
    try:
        with subprocess.Popen(["tar", "-x", "-C", str(root)], stdin=subprocess.PIPE) as tar:
            assert tar.stdin is not None
            for chunk in container.export():
                tar.stdin.write(chunk)
    finally:
        container.remove(force=True)
        client.close()
    for path in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copy(path, root / path.lstrip("/"))
    (root / "root").chmod(0o755)  # this machine's Python may lie there
    _copy_sources(root)
    machine = Bare(root=root)
    machine.configure(QUIET)
    yield machine
    shutil.rmtree(root)


def _copy_sources(root: Path) -> None:
    """Give it the sources of Debian itself; others need keys that it does not have."""
    for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("debian*")):
        if path.is_file():
            shutil.copy(path, root / str(path).lstrip("/"))
    for path in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
        shutil.copy(path, root / str(path).lstrip("/"))


def test_without_an_engine_the_way_to_one_is_told(bare: Bare) -> None:
    done = bare.sh("envkit engine; echo $?")
    assert done.stdout == "5\n"
    assert "there is no container engine here" in done.stderr and "`envkit engine start`" in done.stderr


def test_who_is_not_root_is_told_what_to_do(bare: Bare) -> None:
    done = bare.sh("setpriv --reuid=65534 --clear-groups envkit engine start; echo $?")
    assert done.stdout == "6\n"
    assert "sudo" in done.stderr and "Traceback" not in done.stderr


# As dpkg leaves two packages that depend on each other, killed while it unpacks one of them.
TORN = r"""
exec 3>&1 >&2
cd "$(mktemp -d)"
apt-get update
apt-get -o APT::Sandbox::User=root download dmsetup libdevmapper1.02.1
dpkg --unpack ./*.deb
torn='/^Package: libdevmapper1.02.1$/,/^$/'
sed -i "$torn s/^Status: .*/Status: install reinstreq half-installed/" /var/lib/dpkg/status
exec >&3
"""
INSTALL = """
import sys
from envkit.hosts.apt import install
from envkit.hosts.local import LocalHost
install(LocalHost(), ["dmsetup"], lambda line: print(line, file=sys.stderr))
"""


def test_what_a_kill_left_half_unpacked_is_unpacked_again(bare: Bare) -> None:
    done = bare.sh(f"{TORN}\n{sys.executable} -c '{INSTALL}' && dpkg --audit && dmsetup --version")
    assert "unpacking libdevmapper1.02.1:amd64 again" in done.stderr
    assert done.returncode == 0 and done.stdout.startswith("Library version:"), done.stderr
    bare.sh("dpkg --purge dmsetup libdevmapper1.02.1")  # the next installation is one from nothing


def test_an_installation_that_was_killed_goes_on(bare: Bare) -> None:
    killed = bare.sh(
        "envkit engine start & "
        "for i in $(seq 1200); do grep -qs half-configured\\\\\\|unpacked /var/lib/dpkg/status "
        "/var/lib/dpkg/updates/* && break; sleep 0.1; done; "
        "kill -9 -1"
    )
    assert "installing" in killed.stderr
    broken = bare.sh("dpkg --audit; which dockerd")
    assert broken.stdout.strip() != "/usr/bin/dockerd", "it was killed too late to break anything"
    done = bare.sh("envkit engine start; echo $?; envkit engine start; dpkg --audit")
    first, _, again = done.stdout.partition("0\n")
    assert "engine       docker" in first and "engine       docker" in again, done.stderr
    assert "an engine answers already" in done.stderr


def test_a_stopped_engine_is_started_and_works(bare: Bare) -> None:
    files = "/bin/sh /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6"
    done = bare.sh(
        "echo 1 > /run/docker.pid; "  # after a crash the number belongs to somebody else
        "envkit engine start >&2 && "
        f"tar -ch {files} 2>/dev/null | docker import - tried >&2 && "
        "docker run --rm --network none tried /bin/sh -c 'echo it works'"
    )
    assert done.stdout == "it works\n", done.stderr
    assert "installing" not in done.stderr


def test_a_daemon_outlives_the_terminal_that_started_it(bare: Bare) -> None:
    done = bare.sh("setsid --wait bash -c 'envkit engine start >&2; kill -HUP 0'; sleep 1; envkit engine")
    assert "engine       docker" in done.stdout, done.stderr


def test_a_daemon_that_does_not_come_up_is_quoted(bare: Bare) -> None:
    bare.configure('{"no-such-setting": 1}')
    done = bare.sh("envkit engine start; echo $?")
    bare.configure(QUIET)
    assert done.stdout == "5\n"
    assert "no-such-setting" in done.stderr and "fix: mend /etc/docker/daemon.json" in done.stderr


def test_the_older_packet_filter_is_tried_once(bare: Bare) -> None:
    bare.configure("{}")
    failing = "echo 'iptables v1.8.9 (nf_tables): Could not fetch rule set generation id' >&2; exit 4"
    script = (
        f"printf '%s\\n' '#!/bin/sh' \"{failing}\" > /root/iptables; chmod +x /root/iptables; "
        "mount --bind /root/iptables $(readlink -f /usr/sbin/xtables-nft-multi); envkit engine start; echo $?"
    )
    done = bare.sh(script, network="own")
    bare.configure(QUIET)
    assert "trying iptables-legacy" in done.stderr
    assert done.stdout.endswith("0\n") or "iptables" in done.stderr.partition("trying iptables-legacy")[2]
