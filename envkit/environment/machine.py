"""What an environment's plan must know of its machine."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen
from envkit.accelerators.cards import Answer, Ask, Found
from envkit.errors import HostError
from envkit.hosts.base import Command, Host
from envkit.plan.exposure import is_name
from envkit.plan.run_plan import Caller

_ID = re.compile(r"uid=(\d+)(?:\(([^)]*)\))? gid=(\d+)")
_ONLINE = Path("/sys/devices/system/cpu/online")
# What the first process may never do, nothing on that machine may: an engine in a container cannot lift
# limits (capabilities(7): CAP_SYS_RESOURCE is number 24).
_FIRST_PROCESS = Path("/proc/1/status")
_BOUNDING = re.compile(rb"(?:\A|\s)CapBnd:\s+([0-9a-f]+)(?:\s|\Z)")  # doctor/look.sh joins the lines
_SYS_RESOURCE = 1 << 24
_DEV = "/dev/"
_TOOL_S = 60.0  # nvidia-smi wakes sleeping cards first: seconds each on a machine with many
_TOTAL = re.compile(rb"^MemTotal:\s+(\d+) kB", re.MULTILINE)


def caller(host: Host) -> Caller:
    """Return who we are on that machine; an unknown uid has its number for a name."""
    done = host.run(Command(words=("id",), env={"LC_ALL": "C"}))
    found = _ID.match(done.stdout)
    if not found:
        raise HostError(
            f"{host.name}: `id` does not say who we are: {done.stdout!r}", fix="run `id` there and see"
        )
    uid, name, gid = found.groups()
    return Caller(uid=int(uid), gid=int(gid), name=name or f"u{uid}")


def user_home(host: Host) -> str:
    """Return our home folder on that machine."""
    home = host.run(Command(words=("sh", "-c", "cd && pwd"))).stdout.strip()
    if not home.startswith("/"):
        raise HostError(f"{host.name}: there is no home folder for us", fix="make one, and log in there once")
    return home


def memory_mib(host: Host) -> int:
    """Return how much memory the machine has."""
    found = _TOTAL.search(host.read(Path("/proc/meminfo")) or b"")
    if not found:
        raise HostError(
            f"{host.name} does not tell its memory (/proc/meminfo)", fix="envkit needs a Linux machine"
        )
    return int(found[1]) // 1024


def cpus(host: Host) -> int:
    """Return how many CPUs the machine has; 0 when it does not tell."""
    text = (host.read(_ONLINE) or b"").decode("ascii", "replace").strip()
    ranges = [part.split("-") for part in text.split(",") if re.fullmatch(r"\d+(-\d+)?", part)]
    return sum(int(bounds[-1]) - int(bounds[0]) + 1 for bounds in ranges)


def raises_limits(host: Host) -> bool:
    """Tell whether an engine there may lift a process's limits, as far as can be seen from outside."""
    return may_raise_limits(host.read(_FIRST_PROCESS) or b"")


def may_raise_limits(status: bytes) -> bool:
    """Tell it by the status of the first process; where that says nothing, it may."""
    found = _BOUNDING.search(status)
    return found is None or bool(int(found[1], 16) & _SYS_RESOURCE)


def seen(host: Host, accelerator: str, cdi: tuple[str, ...]) -> Seen:
    """Look at what an accelerator needs: its nodes, and its driver's files."""
    patterns = ACCELERATORS[accelerator].looks_at
    if not patterns:
        return Seen(cdi=cdi)
    names = host.run(Command(words=("ls", "-1", _DEV), env={"LC_ALL": "C"})).stdout.splitlines()
    nodes = {_DEV + name for name in names if any(fnmatchcase(_DEV + name, one) for one in patterns)}
    wanted = sorted(nodes | {one for one in patterns if "*" not in one})
    if not wanted:
        return Seen(cdi=cdi)
    # It names what is missing on stderr, and goes on.
    told = host.run(Command(words=("stat", "-L", "-c", "%g %n", "--", *wanted), env={"LC_ALL": "C"})).stdout
    groups = (line.split(" ", 1) for line in told.splitlines() if line[:1].isdigit())
    return Seen(paths={path: int(group) for group, path in groups}, cdi=cdi)


def present(host: Host) -> str:
    """Return what the machine has cards of; else the CPU."""
    return next((name for name in ACCELERATORS if find_cards(host, name).cards), "cpu")


def find_cards(host: Host, accelerator: str, seen_there: Seen | None = None) -> Found:
    """Return the machine's cards of one kind, as their maker's tool and the nodes tell them."""
    if not ACCELERATORS[accelerator].looks_at:
        return Found(accelerator=accelerator)
    looked = seen(host, accelerator, ()) if seen_there is None else seen_there
    return ACCELERATORS[accelerator].find(asker(host), looked)


def asker(host: Host) -> Ask:
    """Return what runs a maker's tool on that machine; a tool that hangs has failed."""

    def ask(words: tuple[str, ...]) -> Answer | None:
        programs = host.find_programs(words[0])
        if not programs:
            return None
        command = Command(words=(str(programs[0]), *words[1:]), env={"LC_ALL": "C"}, timeout_s=_TOOL_S)
        try:
            done = host.run(command)
        except HostError as error:
            return Answer(code=124, stdout="", stderr=error.what)
        return Answer(code=done.code, stdout=done.stdout, stderr=done.stderr)

    return ask


def names(host: Host) -> tuple[str, ...]:
    """Return the names and addresses that others can reach the machine by, as far as it knows them."""
    said = [host.run(Command(words=("hostname", option))) for option in ("-f", "-s", "-I")]
    words = [word.lower() for done in said if done.code == 0 for word in done.stdout.split()]
    # Neither loopback nor link-local (fe80::, which no URL can hold).
    return tuple(
        dict.fromkeys(word for word in words if is_name(word) and not word.startswith(("127.", "fe80:")))
    )
