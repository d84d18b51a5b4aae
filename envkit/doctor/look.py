"""Look at a machine, in one go: run look.sh there and read what it prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from envkit.doctor.seen import Disk, Node, Seen
from envkit.environment.machine import may_raise_limits
from envkit.hosts.base import Command, Host

_SCRIPT = Path(__file__).with_name("look.sh")
_PATIENCE_S = 30.0  # it takes 0.2 s here; each question in it that could hang has its own limit
_KB = 1024
_NUMBERS = ("forward", "watches", "instances", "mtu", "docker_mtu", "mig", "secure_boot")
_WORDS = ("nvidia_smi_fails", "toolkit", "ascend_version", "fabricmanager", "char_links")

_DISK = re.compile(r"(\w+) (yes|no) (\d+) (\d+) (\S+) (\S+) (.+)")
_NODE = re.compile(r"(\S+) (\d+) ([0-7]+)")

Rows = Mapping[str, tuple[str, ...]]


def look(host: Host, engine_root: str) -> Seen:
    """Look at a machine; the engine's data folder may be unknown ("")."""
    words = ("sh", "-s", "--", engine_root)
    return read(host.run(Command(words=words, stdin=_SCRIPT.read_bytes(), timeout_s=_PATIENCE_S)).stdout)


def read(text: str) -> Seen:
    """Return what look.sh printed as facts."""
    rows = _rows(text)
    first = {name: values[0] for name, values in rows.items()}
    disks = (_disk(row) for row in rows.get("disk", ()))
    pid = first.get("docker_pid")
    return Seen(
        now=float(first.get("now") or 0),
        kernel=first.get("kernel", ""),
        machine=first.get("machine", ""),
        uid=int(first.get("uid") or 0),
        user=first.get("user", ""),
        groups=tuple(first.get("groups", "").split()),
        gids=tuple(int(word) for word in first.get("gids", "").split() if word.isdecimal()),
        docker_group=_members(first.get("docker_group", "")),
        limits={name: _limit(first[name]) for name in ("nofile", "memlock") if first.get(name)},
        has_proxy=bool(first.get("proxy")),
        memory_bytes=_memory(first.get("memory", "")),
        raises_limits=may_raise_limits(first.get("first", "").encode()),
        numbers={name: int(first[name]) for name in _NUMBERS if first.get(name, "").isdecimal()},
        dns=tuple(first.get("dns", "").split()),
        is_synchronized={"yes": True, "no": False}.get(first.get("synchronized", "")),
        mounts="\n".join(rows.get("mount", ())),
        disks=dict(disk for disk in disks if disk is not None),
        silent=dict(row.partition(" ")[::2] for row in rows.get("silent", ())),
        docker_runs=None if pid is None else first.get("docker_runs", ""),
        pci={kind: rows[f"pci_{kind}"] for kind in ("nvidia", "ascend") if f"pci_{kind}" in rows},
        modules=rows.get("module", ()),
        nodes=_nodes(rows.get("node", ())),
        nvidia_version=first.get("nvidia_version", ""),
        gpus=rows.get("gpu", ()),
        words={name: first[name] for name in _WORDS if first.get(name)},
        xids=rows.get("xid", ()),
        ascend_files=rows.get("ascend_file", ()),
        ascend_folders=rows.get("ascend_folder", ()),
    )


def _rows(text: str) -> Rows:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            found.setdefault(name, []).append(value.strip())
    return {name: tuple(values) for name, values in found.items()}


def _disk(row: str) -> tuple[str, Disk] | None:
    """Read `name writable total free inodes free_inodes path`; a filesystem may not count its inodes."""
    found = _DISK.fullmatch(row)
    if not found:
        return None
    name, writable, total, free, inodes, free_inodes, path = found.groups()
    counts = inodes.isdecimal() and int(inodes) > 0 and free_inodes.isdecimal()
    return name, Disk(
        path=path,
        total_bytes=int(total) * _KB,
        free_bytes=int(free) * _KB,
        free_inodes=int(free_inodes) if counts else None,
        is_writable=writable == "yes",
    )


def _nodes(rows: tuple[str, ...]) -> tuple[Node, ...]:
    found = (_NODE.fullmatch(row) for row in rows)
    return tuple(Node(path=one[1], group=int(one[2]), mode=int(one[3], 8)) for one in found if one)


def _members(line: str) -> tuple[str, ...] | None:
    """Return the members of a group as /etc/group writes it; None when there is none."""
    fields = line.split(":")
    return tuple(filter(None, fields[3].split(","))) if len(fields) == 4 else None


def _limit(text: str) -> int:
    return int(text) if text.isdecimal() else -1


def _memory(text: str) -> int | None:
    found = re.search(r"MemTotal:\s+(\d+)", text)
    return int(found[1]) * _KB if found else None
