"""The faults of a machine that `doctor` tells apart: each as a change to a machine that is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from envkit.doctor.seen import Disk, Node, Seen
from envkit.engines.values import EngineFacts, EngineSetup

NOW = 1_800_000_000.0
DISK = Disk(path="/x", total_bytes=10**12, free_bytes=5 * 10**11, free_inodes=10**7, is_writable=True)
WELL = Seen(
    now=NOW,
    kernel="6.1.0-18-amd64",
    machine="x86_64",
    uid=1000,
    user="ada",
    groups=("ada", "docker"),
    gids=(1000, 999),
    docker_group=("ada",),
    limits={"nofile": 1_048_576, "memlock": -1},
    memory_bytes=64 * 10**9,
    numbers={"forward": 1, "watches": 524_288, "instances": 512, "mtu": 1500, "docker_mtu": 1500},
    dns=("10.0.0.1",),
    is_synchronized=True,
    mounts="25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n27 1 254:0 / / rw - ext4 /dev/vda rw",
    disks={
        "root": replace(DISK, path="/var/lib/docker"),
        "tmp": replace(DISK, path="/tmp"),
        "home": replace(DISK, path="/home/ada"),
        "shm": replace(DISK, path="/dev/shm", free_inodes=None),
    },
    docker_runs="dockerd",
)
CLIENT = "/usr/bin/docker"  # which builds
ENGINE = EngineFacts(
    kind="docker",
    version="29.4.0",
    architecture="amd64",
    storage_root="/var/lib/docker",
    local=True,
    setup=EngineSetup(
        parts={"runc": "1.3.5", "containerd": "2.2.5"},
        storage_driver="overlay2",
        cgroup_driver="systemd",
        cgroup_version="2",
        runtimes=("runc",),
        security=("seccomp", "cgroupns"),
    ),
)
H100 = "0, NVIDIA H100 80GB HBM3, Enabled, Default, Disabled, 0"
GPU: Mapping[str, Any] = {
    "pci": {"nvidia": ("0000:44:00.0",)},
    "nodes": (
        Node(path="/dev/nvidia0", group=0, mode=0o666),
        Node(path="/dev/nvidia-uvm", group=0, mode=0o666),
    ),
    "modules": ("nvidia", "nvidia_uvm"),
    "gpus": (H100,),
    "nvidia_version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 2024",
}
GPU_ENGINE: Mapping[str, Any] = {"cdi": ("nvidia.com/gpu=0",)}
_NPU_NODES = ("davinci0", "davinci1", "davinci_manager", "devmm_svm", "hisi_hdc")
FILES = ("/usr/local/Ascend/driver/version.info", "/usr/local/bin/npu-smi", "/etc/hccn.conf")
NPU: Mapping[str, Any] = {
    "pci": {"ascend": ("0000:c1:00.0 0xd802", "0000:c2:00.0 0xd802")},
    "nodes": tuple(Node(path=f"/dev/{name}", group=1000, mode=0o660) for name in _NPU_NODES),
    "words": {"ascend_version": "24.1.0.3"},
    "ascend_folders": ("/usr/local/Ascend/driver/lib64", "/usr/local/dcmi"),
    "ascend_files": FILES,
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault: how the machine differs from one that is well, and what `doctor` says of it."""

    name: str
    outcome: str
    says: str
    seen: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    setup: Mapping[str, Any] = field(default_factory=dict)
    client: str | None = CLIENT

    @property
    def machine(self) -> Seen:
        """The machine with this fault."""
        return replace(WELL, **self.seen)

    @property
    def engine(self) -> EngineFacts:
        """Its engine."""
        return replace(ENGINE, **self.facts, setup=replace(ENGINE.setup, **self.setup))


def _disks(name: str, **changes: Any) -> Mapping[str, Any]:
    return {"disks": {**WELL.disks, name: replace(WELL.disks[name], **changes)}}


def _numbers(**changes: int) -> Mapping[str, Any]:
    return {"numbers": {**WELL.numbers, **changes}}


def _gpu(**changes: Any) -> Mapping[str, Any]:
    return {**GPU, **changes}


def _row(place: int, value: str) -> Mapping[str, Any]:
    cells = H100.split(", ")
    return _gpu(gpus=(", ".join([*cells[:place], value, *cells[place + 1 :]]),))


def fault(name: str, outcome: str, says: str, seen: Mapping[str, Any] = WELL.words, **more: Any) -> Fault:
    return Fault(name=name, outcome=outcome, says=says, seen=seen, **more)


NO_CDI: Mapping[str, Any] = {"cdi": ()}
PODMAN: Mapping[str, Any] = {"kind": "podman", "version": "5.0"}
RUNTIME: Mapping[str, Any] = {"runtimes": ("nvidia",)}
TOOLKIT = {"toolkit": "NVIDIA Container Toolkit CLI version 1.17.8"}
NO_MEMORY = "WARNING: No memory limit support"
NFS = f"{WELL.mounts}\n60 27 0:50 / /home rw - nfs4 filer:/home rw"
SMALL = 100_000_000
ENGINE_FAULTS = (
    fault("engine.old", "warn", "podman 3.4.4 is older than 4.3", facts={**PODMAN, "version": "3.4.4"}),
    fault("builder.classic", "warn", "no docker client here speaks BuildKit", client=None),
    fault("builder.podman", "warn", "Podman builds", facts=PODMAN, client=None),
    fault("storage.little", "warn", "/var/lib/docker has 1.0 GB free", _disks("root", free_bytes=10**9)),
    fault("storage.full", "fail", "/var/lib/docker has 0.1 GB free", _disks("root", free_bytes=SMALL)),
    fault("storage.driver", "warn", "vfs copies every layer", setup={"storage_driver": "vfs"}),
    fault("storage.d_type", "fail", "XFS without ftype=1", setup={"backing": {"Supports d_type": "false"}}),
    fault("engine.snap", "warn", "from a snap", facts={"storage_root": "/var/snap/docker/common"}),
    fault("cgroups.memory", "warn", "cannot limit memory", setup={"warnings": (NO_MEMORY,)}),
    fault("cgroups.rootless", "warn", "cgroup v1", setup={"security": ("rootless",), "cgroup_version": "1"}),
    fault("engine.userns", "warn", "userns-remap", setup={"security": ("seccomp", "userns")}),
    fault(
        "engine.exposed",
        "fail",
        "anybody who reaches it is root here: API is accessible on http://0.0.0.0:2375",
        setup={"warnings": ("WARNING: API is accessible on http://0.0.0.0:2375 without encryption.",)},
    ),
    fault("hole.docker", "warn", "reached from the same network segment", facts={"version": "27.5.1"}),
    fault("hole.runc", "warn", "CVE-2024-21626", setup={"parts": {"runc": "1.1.5+ds1"}}),
    fault("hole.containerd", "warn", "CVE-2024-40635", setup={"parts": {"containerd": "1.7.26"}}),
    fault("network.forward", "fail", "does not forward packets", _numbers(forward=0)),
    fault("network.mtu", "warn", "the way out takes 1400", _numbers(mtu=1400)),
    fault("network.dns", "warn", "names come from 127.0.0.1", {"dns": ("127.0.0.1",)}),
    fault("proxy.engine", "warn", "the engine has none", {"has_proxy": True}),
    fault(
        "limits.memlock", "warn", "memlock at 8192 kB", {"raises_limits": False, "limits": {"memlock": 8192}}
    ),
)
MACHINE_FAULTS = (
    fault("system.kernel", "warn", "3.10.0-1160.el7 is older than 4.18", {"kernel": "3.10.0-1160.el7"}),
    fault("system.machine", "fail", "ppc64le", {"machine": "ppc64le"}),
    fault("clock.past", "fail", "days behind", {"now": 1_700_000_000.0}),
    fault("clock.off", "warn", "its clock is 90 s ahead", {"now": NOW + 90}),
    fault("clock.off", "fail", "its clock is 200000 s behind", {"now": NOW - 200_000}),
    fault("clock.alone", "warn", "nobody keeps the clock right", {"is_synchronized": False}),
    fault("memory.little", "warn", "2.0 GB", {"memory_bytes": 2 * 10**9}),
    fault("tmp.little", "warn", "/tmp has 1.0 GB free", _disks("tmp", free_bytes=10**9)),
    fault("tmp.full", "fail", "/tmp is full", _disks("tmp", free_bytes=4096)),
    fault("tmp.inodes", "fail", "no names left", _disks("tmp", free_inodes=3)),
    fault("tmp.read-only", "fail", "/tmp cannot be written to", _disks("tmp", is_writable=False)),
    fault("tmp.silent", "fail", "/scratch does not answer", {"silent": {"tmp": "/scratch"}}),
    fault("home.little", "warn", "/home/ada has 1.0 GB free", _disks("home", free_bytes=10**9)),
    fault("home.full", "fail", "/home/ada is full", _disks("home", free_bytes=0)),
    fault("home.inodes", "fail", "no names left", _disks("home", free_inodes=0)),
    fault("home.read-only", "fail", "cannot be written to", _disks("home", is_writable=False)),
    fault("home.silent", "fail", "/home/ada does not answer", {"silent": {"home": "/home/ada"}}),
    fault("home.network", "warn", "it lies on nfs4", {"mounts": NFS}),
    fault("shm.none", "warn", "none of its own", {"mounts": "27 1 254:0 / / rw - ext4 /dev/vda rw"}),
    fault("shm.little", "warn", "64 MB: too small", _disks("shm", total_bytes=64_000_000)),
    fault("shm.full", "warn", "100 MB of it are free", _disks("shm", free_bytes=SMALL)),
    fault("shm.read-only", "fail", "cannot be written to", _disks("shm", is_writable=False)),
    fault("files.open", "warn", "may open 1024 files", {"limits": {"nofile": 1024}}),
    fault("files.watched", "warn", "8192 files watched", _numbers(watches=8192)),
)
_SWITCH = Node(path="/dev/nvidia-nvswitch0", group=0, mode=0o666)
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch NVML library version: 565.57"
CARD_FAULTS = (
    fault("nvidia.nouveau", "fail", "nouveau", _gpu(nodes=(), modules=("nouveau",), gpus=())),
    fault("nvidia.no-driver", "fail", "1 on the bus, and no driver", _gpu(nodes=(), modules=(), gpus=())),
    fault(
        "nvidia.secure-boot", "fail", "Secure Boot", {**_gpu(nodes=(), gpus=()), **_numbers(secure_boot=1)}
    ),
    fault("nvidia.lost", "fail", "2 cards are on the bus and 1 answer", _gpu(pci={"nvidia": ("a", "b")})),
    fault("nvidia.uvm", "warn", "nvidia-uvm is missing", _gpu(nodes=GPU["nodes"][:1])),
    fault("nvidia.fabricmanager", "fail", "fabric manager", _gpu(nodes=(*GPU["nodes"], _SWITCH))),
    fault("nvidia.mismatch", "fail", "version mismatch", _gpu(words={"nvidia_smi_fails": MISMATCH})),
    fault("nvidia.smi", "fail", "nvidia-smi fails: odd", _gpu(words={"nvidia_smi_fails": "odd"})),
    fault("nvidia.persistence", "warn", "persistence is off (card 0)", _row(2, "Disabled")),
    fault("nvidia.exclusive", "warn", "one process only", _row(3, "Exclusive_Process")),
    fault("nvidia.mig", "fail", "MIG is on", _row(4, "Enabled")),
    fault("nvidia.ecc", "fail", "memory errors", _row(5, "3")),
    fault("nvidia.xid", "warn", "fallen off the bus", _gpu(xids=("NVRM: Xid (PCI:0000:44:00): 79, x",))),
    fault("nvidia.toolkit", "fail", "toolkit is not installed", GPU, facts=NO_CDI),
    fault("nvidia.restart-docker", "fail", "does not know it", _gpu(words=TOOLKIT), facts=NO_CDI),
    fault("nvidia.daemon-reload", "warn", "lose their cards", GPU, facts=NO_CDI, setup=RUNTIME),
    fault(
        "hole.nvidia-container-toolkit", "warn", "CVE-2025-23266", _gpu(words={"toolkit": "version 1.17.7"})
    ),
    fault("ascend.no-driver", "fail", "2 on the bus, and no driver", {**NPU, "nodes": ()}),
    fault("ascend.managers", "fail", "/dev/hisi_hdc is missing", {**NPU, "nodes": NPU["nodes"][:-1]}),
    fault("ascend.group", "warn", "the group 1000", {**NPU, "gids": (7,)}),
    fault("ascend.libraries", "fail", "lib64 is missing", {**NPU, "ascend_folders": ()}),
    fault(
        "ascend.folder",
        "fail",
        "/usr/local/bin/npu-smi is a folder",
        {**NPU, "ascend_folders": (*NPU["ascend_folders"], "/usr/local/bin/npu-smi")},
    ),
    fault("ascend.npu-smi", "warn", "npu-smi is not there", {**NPU, "ascend_files": FILES[::2]}),
    fault("ascend.version", "warn", "version.info is missing", {**NPU, "ascend_files": FILES[1:]}),
    fault("ascend.hccn", "warn", "hccn.conf is missing", {**NPU, "ascend_files": FILES[:2]}),
)
