"""What look.sh prints is read as facts; tests/real runs the script itself."""

from __future__ import annotations

import pytest

from envkit.doctor.look import look, read
from envkit.doctor.seen import Disk, Node, Seen
from tests.scripted_host import ScriptedHost

# As a machine with two GPUs and a machine with NPUs print it, shortened.
GPUS = """now\t1795728672
kernel\t6.8.0-45-generic
machine\tx86_64
uid\t1000
user\tada
groups\tada docker
gids\t1000 999
docker_group\tdocker:x:999:ada,rui
nofile\t1048576
memlock\tunlimited
proxy\thttp://proxy:3128
memory\tMemTotal:       24731708 kB MemFree:          490828 kB
first\tName: systemd CapBnd: 000001ffffffffff Seccomp: 0
forward\t1
mtu\t1450
dns\t10.0.0.1 10.0.0.2
synchronized\tyes
mount\t27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
disk\ttmp yes 1000 500 100 90 /tmp
disk\tshm no 64 64 0 - /dev/shm
silent\thome /home/ada
docker_pid\t4242
docker_runs\tdockerd
pci_nvidia\t0000:44:00.0
pci_nvidia\t0000:45:00.0
module\tnvidia
node\t/dev/nvidia0 0 666
node\t/dev/nvidiactl 0 666
gpu\t0, NVIDIA H100 80GB HBM3, Enabled, Default, Disabled, 0
mig\t0
toolkit\tNVIDIA Container Toolkit CLI version 1.17.8
xid\t[ 12.3] NVRM: Xid (PCI:0000:44:00): 79, x
"""


def test_everything_that_is_printed_becomes_a_fact() -> None:
    assert read(GPUS) == Seen(
        now=1795728672.0,
        kernel="6.8.0-45-generic",
        machine="x86_64",
        uid=1000,
        user="ada",
        groups=("ada", "docker"),
        gids=(1000, 999),
        docker_group=("ada", "rui"),
        limits={"nofile": 1048576, "memlock": -1},
        has_proxy=True,
        memory_bytes=24731708 * 1024,
        numbers={"forward": 1, "mtu": 1450, "mig": 0},
        dns=("10.0.0.1", "10.0.0.2"),
        is_synchronized=True,
        mounts="27 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
        disks={
            "tmp": Disk(
                path="/tmp", total_bytes=1_024_000, free_bytes=512_000, free_inodes=90, is_writable=True
            ),
            "shm": Disk(
                path="/dev/shm", total_bytes=65536, free_bytes=65536, free_inodes=None, is_writable=False
            ),
        },
        silent={"home": "/home/ada"},
        docker_runs="dockerd",
        pci={"nvidia": ("0000:44:00.0", "0000:45:00.0")},
        modules=("nvidia",),
        nodes=(
            Node(path="/dev/nvidia0", group=0, mode=0o666),
            Node(path="/dev/nvidiactl", group=0, mode=0o666),
        ),
        gpus=("0, NVIDIA H100 80GB HBM3, Enabled, Default, Disabled, 0",),
        words={"toolkit": "NVIDIA Container Toolkit CLI version 1.17.8"},
        xids=("[ 12.3] NVRM: Xid (PCI:0000:44:00): 79, x",),
    )


def test_a_machine_that_tells_nothing_is_empty() -> None:
    assert read("") == Seen()
    assert read("a line without a name\ndocker_pid\t9\n").docker_runs == ""


@pytest.mark.parametrize("line", ["disk\ttmp yes   /tmp", "disk\ttmp yes - - - - /tmp", "node\t", "gids\t?"])
def test_a_program_that_answers_nonsense_is_left_out(line: str) -> None:
    assert read(f"{line}\n") == Seen()


def test_an_engine_in_a_container_cannot_lift_limits() -> None:
    assert not read("first\tCapBnd: 00000000a80425fb").raises_limits


def test_one_question_is_asked_with_the_engines_folder_as_its_word() -> None:
    host = ScriptedHost(answers={"sh -s -- /data/docker": (0, "kernel\t6.1\n")})
    assert look(host, "/data/docker").kernel == "6.1"
    assert len(host.asked) == 1


def test_the_first_process_s_status_arrives_as_one_line() -> None:
    status = "Name: init CapPrm: 000001ffffffffff CapBnd: {} CapAmb: 0000000000000000"
    assert read("first\t" + status.format("000001ffffffffff")).raises_limits
    assert not read("first\t" + status.format("00000000a80425fb")).raises_limits
    assert read("first\tName: init").raises_limits
