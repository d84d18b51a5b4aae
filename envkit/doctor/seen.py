"""What is seen of a machine: facts, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A folder's filesystem."""

    path: str
    total_bytes: int
    free_bytes: int
    free_inodes: int | None  # None: it has no fixed number of them
    is_writable: bool


@dataclass(frozen=True, kw_only=True)
class Node:
    """A device node."""

    path: str
    group: int
    mode: int


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A machine; what it does not tell is None or empty."""

    now: float = 0.0
    kernel: str = ""
    machine: str = ""
    uid: int = 0
    user: str = ""
    groups: tuple[str, ...] = ()
    gids: tuple[int, ...] = ()
    docker_group: tuple[str, ...] | None = None  # its members; None: there is no such group
    limits: Mapping[str, int] = field(default_factory=dict)  # nofile, memlock (kB); -1 is none
    has_proxy: bool = False
    memory_bytes: int | None = None
    raises_limits: bool = True  # an engine here may lift a process's limits
    numbers: Mapping[str, int] = field(default_factory=dict)  # forward, watches, mtu, docker_mtu, …
    dns: tuple[str, ...] = ()
    is_synchronized: bool | None = None  # the clock, as systemd tells
    mounts: str = ""  # lines of /proc/self/mountinfo
    disks: Mapping[str, Disk] = field(default_factory=dict)  # root, tmp, home, shm
    silent: Mapping[str, str] = field(default_factory=dict)  # the same names → path: it does not answer
    docker_runs: str | None = None  # the program whose number is in docker.pid; None: no such file
    pci: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # "nvidia" → addresses
    modules: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()
    nvidia_version: str = ""
    gpus: tuple[str, ...] = ()  # nvidia-smi's rows
    words: Mapping[str, str] = field(default_factory=dict)  # nvidia_smi_fails, toolkit, ascend_version, …
    xids: tuple[str, ...] = ()
    ascend_files: tuple[str, ...] = ()
    ascend_folders: tuple[str, ...] = ()

    def numbered(self, prefix: str) -> list[Node]:
        """Return the nodes that are this prefix and a number."""
        return [node for node in self.nodes if node.path.removeprefix(prefix).isdecimal()]
