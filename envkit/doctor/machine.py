"""A machine: its system, clock, memory, disks and limits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envkit.doctor.finding import Check, Finding
from envkit.doctor.seen import Disk, Seen
from envkit.environment.tree import unfit_filesystem

LATE_S = 30.0  # a clock that is off by more makes certificates and the dates of files misleading
_WRONG_S = 86_400.0  # by a day: new certificates are not valid yet, or no longer
# What Node 22 in code-server asks for (nodejs/node, BUILDING.md); it is also where overlay2 is dependable.
_OLDEST_KERNEL = (4, 18)
_MACHINES = ("x86_64", "amd64", "aarch64", "arm64")
_LITTLE_MEMORY = 4_000_000_000  # JupyterLab, code-server and its extension host with a small project: 1.2 GB
_LITTLE_TMP = 2_000_000_000  # a context with wheels of torch
_LITTLE_HOME = 2_000_000_000
_LITTLE_SHM = 1_000_000_000  # facts S2, row 12
_FULL = 50_000_000
_FEW_FILES = 4096  # the usual hard limit; a DataLoader's workers and a language server open hundreds each
_FEW_WATCHES = 65_536  # VS Code's documentation asks for 524,288 for a large workspace
_FEW_INSTANCES = 64  # of every user together with every container of his

_SYSTEM = Check(name="system", domain="host")
_CLOCK = Check(name="clock", domain="host")
_MEMORY = Check(name="memory", domain="host")
_TMP = Check(name="TMPDIR", domain="host")
_HOME = Check(name="home", domain="host")
_SHM = Check(name="/dev/shm", domain="host")
_FILES = Check(name="files", domain="host")


def judge_machine(seen: Seen, now: float, oldest: float) -> tuple[Finding, ...]:
    """Judge all of it; `now` is this machine's clock, and `oldest` a moment that has certainly passed."""
    return (
        *_SYSTEM.all_of(_system(seen), f"Linux {seen.kernel} on {seen.machine}"),
        *judge_clock(seen, now, oldest),
        *_MEMORY.all_of(_memory(seen), f"{(seen.memory_bytes or 0) / 1e9:.0f} GB"),
        *_disk_lines(_TMP, seen, "tmp", _LITTLE_TMP),
        *_home(seen),
        *_SHM.all_of(_shm(seen), _room(seen.disks.get("shm"))),
        *_FILES.all_of(_files(seen), f"{_many(seen.limits.get('nofile'))} open, {_watched(seen)}"),
    )


def _system(seen: Seen) -> Iterator[Finding]:
    number = re.match(r"(\d+)\.(\d+)", seen.kernel)
    if number and tuple(map(int, number.groups())) < _OLDEST_KERNEL:
        yield _SYSTEM.warn(
            "system.kernel",
            f"the kernel {seen.kernel} is older than 4.18: code-server's Node does not start on it",
            "update the system",
        )
    if seen.machine not in _MACHINES:
        yield _SYSTEM.fail(
            "system.machine",
            f"the processor is {seen.machine}: code-server and torch are made for x86-64 and arm64",
            "use another machine",
        )


def judge_clock(seen: Seen, now: float, oldest: float) -> tuple[Finding, ...]:
    """Judge a clock by this machine's, and that one by a moment that has passed."""
    off = seen.now - now
    well = "as here" if seen.is_synchronized is None else "synchronized"
    return _CLOCK.all_of(_clock(seen, off, oldest), well)


def _clock(seen: Seen, off: float, oldest: float) -> Iterator[Finding]:
    fix = "set it: `timedatectl set-ntp true`, or ntpdate"
    if seen.now < oldest:
        days = (oldest - seen.now) / 86_400
        what = f"it is at least {days:.0f} days behind: certificates are not valid yet, downloads fail"
        yield _CLOCK.fail("clock.past", what, fix)
    elif abs(off) >= LATE_S:
        what = f"its clock is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}"
        judge = _CLOCK.fail if abs(off) >= _WRONG_S else _CLOCK.warn
        yield judge("clock.off", what, fix)
    elif seen.is_synchronized is False:
        yield _CLOCK.warn("clock.alone", "nobody keeps the clock right: it drifts", fix)


def _memory(seen: Seen) -> Iterator[Finding]:
    if seen.memory_bytes is not None and seen.memory_bytes < _LITTLE_MEMORY:
        yield _MEMORY.warn(
            "memory.little",
            f"{seen.memory_bytes / 1e9:.1f} GB: both IDEs and a training hardly fit",
            "use a machine with more, or leave one IDE out (`ide:` in the spec)",
        )


def _disk_lines(check: Check, seen: Seen, name: str, little: int) -> tuple[Finding, ...]:
    return check.all_of(_disk(check, seen, name, little), _room(seen.disks.get(name)))


def _disk(check: Check, seen: Seen, name: str, little: int) -> Iterator[Finding]:
    if name in seen.silent:
        path = seen.silent[name]
        yield check.fail(
            f"{name}.silent",
            f"{path} does not answer: the server of its filesystem is away",
            f"look at the server; `umount -f {path}` ends the waiting",
        )
    disk = seen.disks.get(name)
    if disk is None:
        return
    if not disk.is_writable:
        yield check.fail(
            f"{name}.read-only",
            f"{disk.path} cannot be written to: it is mounted read-only, or it is not yours",
            "look at `mount` and at its owner; after a disk's error the kernel mounts it read-only (`dmesg`)",
        )
    elif disk.free_bytes < _FULL:
        yield check.fail(f"{name}.full", f"{disk.path} is full", _free(name))
    elif disk.free_bytes < little:
        yield check.warn(
            f"{name}.little", f"{disk.path} has {disk.free_bytes / 1e9:.1f} GB free", _free(name)
        )
    if disk.free_inodes is not None and disk.free_inodes < 1000:
        what = f"{disk.path} has room, but no names left (inodes: {disk.free_inodes})"
        yield check.fail(f"{name}.inodes", what, "remove many small files; `df -i` shows where")


def _free(name: str) -> str:
    return "free space there" + ("; or set TMPDIR to a folder with more" if name == "tmp" else "")


def _home(seen: Seen) -> tuple[Finding, ...]:
    disk = seen.disks.get("home")
    kind = unfit_filesystem(seen.mounts, disk.path) if disk else ""
    lines = _disk_lines(_HOME, seen, "home", _LITTLE_HOME)
    if not kind:
        return lines
    what = f"it lies on {kind}: databases do not bear that (locks fail or hang), and root may not be let in"
    fix = "envkit keeps its databases off it; `up --home` names a local folder, `no_root_squash` lets root in"
    return (*(line for line in lines if line.outcome != "ok"), _HOME.warn("home.network", what, fix))


def _shm(seen: Seen) -> Iterator[Finding]:
    disk = seen.disks.get("shm")
    more = "mount -o remount,size=50% /dev/shm; in a container: --shm-size=8g"
    if disk is None or "/dev/shm " not in seen.mounts:
        what = "there is none of its own: DataLoader's workers and NCCL share memory through it"
        yield _SHM.warn("shm.none", what, "mount -t tmpfs -o size=50% tmpfs /dev/shm")
    elif not disk.is_writable:
        yield _SHM.fail("shm.read-only", "it cannot be written to", "chmod 1777 /dev/shm; look at its mount")
    elif disk.total_bytes < _LITTLE_SHM:
        what = f"{disk.total_bytes / 1e6:.0f} MB: too small for DataLoader's workers (on the host itself)"
        yield _SHM.warn("shm.little", what, more)
    elif disk.free_bytes < _LITTLE_SHM:
        what = f"{disk.free_bytes / 1e6:.0f} MB of it are free: somebody left memory behind"
        yield _SHM.warn("shm.full", what, "`ls -l /dev/shm` shows whose; remove what belongs to no process")


def _files(seen: Seen) -> Iterator[Finding]:
    opened = seen.limits.get("nofile")
    if opened is not None and 0 <= opened < _FEW_FILES:
        what = f"a process may open {opened} files: DataLoader's workers run out of them"
        yield _FILES.warn("files.open", what, "raise nofile in /etc/security/limits.conf, and log in again")
    watches, instances = seen.numbers.get("watches"), seen.numbers.get("instances")
    few = (watches is not None and watches < _FEW_WATCHES) or (
        instances is not None and instances < _FEW_INSTANCES
    )
    if few:
        what = f"a user may watch {_watched(seen)}: VS Code stops seeing changes in a large folder"
        fix = "sysctl -w fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512"
        yield _FILES.warn("files.watched", what, fix)


def _room(disk: Disk | None) -> str:
    return "not looked at" if disk is None else f"{disk.path} has {disk.free_bytes / 1e9:.1f} GB free"


def _many(limit: int | None) -> str:
    return "any number of" if limit is None or limit < 0 else str(limit)


def _watched(seen: Seen) -> str:
    watches, instances = seen.numbers.get("watches", "?"), seen.numbers.get("instances", "?")
    return f"{watches} files watched by {instances} watchers"
