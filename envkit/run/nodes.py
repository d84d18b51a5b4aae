"""One run on several machines: a part per node, all started or none.

Node 0's part has the run's name, and tells how the run ended; the others are NAME-node1, NAME-node2, … and
are runs like any other: they are listed, followed and removed as such. What joins them is probes/run_link.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from envkit.environment import card_lease
from envkit.environment.ports import free_ports, taken_there
from envkit.environment.site import Site
from envkit.errors import EnvkitError, RunError, UsageError
from envkit.hosts.base import Command, Host, Remote
from envkit.run import places
from envkit.run.folder import Node, Request
from envkit.run.going import Going
from envkit.run.line_token import FILE, Bearer, Holder, new_token
from envkit.run.listing import Run
from envkit.run.plan import JobPlan, OwnContainer
from envkit.run.start import start
from envkit.run.wish import Wish, plan_job

Report = Callable[[str], None]

SILENCE_S = 30.0  # six beats of five seconds: a switch that starts again is silent for less
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# SSH_CONNECTION (sshd(8)): the client's address and port, the server's address and port.
_CONNECTION = 'printf %s "$SSH_CONNECTION"'
# The interface that has the address, else the one that leads to it.
_INTERFACE = """
ip -o addr show to "$1" 2>/dev/null | awk '{print $2; exit}' | grep . ||
ip -o route get "$1" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p'
"""
_REMOVE = 'rm -rf -- "$1"'


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A node, as it was named."""

    name: str
    site: Site
    wish: Wish


@dataclass(frozen=True, kw_only=True)
class Line:
    """How the nodes reach each other."""

    address: str | None = None  # node 0's; None: as SSH reaches it
    silence_s: float = SILENCE_S


@dataclass(frozen=True, kw_only=True)
class Part:
    """One machine's part of a run, decided."""

    machine: Machine
    plan: JobPlan
    place: OwnContainer

    @property
    def request(self) -> Request:
        """Return what its supervisor is asked."""
        return self.plan.nodes[0].request


def part_name(name: str, rank: int) -> str:
    """Return what a node's part of a run is called."""
    return f"{name}-node{rank}" if rank else name


def names_of(run: Run) -> tuple[str, ...]:
    """Return the nodes of a run whose first part this is; none of any other."""
    names = run.record.record.get("nodes")
    if not isinstance(names, list) or run.record.record.get("node") != 0:
        return ()
    return tuple(str(name) for name in names)


def elsewhere(run: Run, rank: int) -> tuple[str, str] | None:
    """Return the node that has a rank, and what the run's part is called there; None: it is this one."""
    names, own = run.record.record.get("nodes"), run.record.record.get("node")
    node = rank // max(1, run.record.nproc)
    if not isinstance(names, list) or not isinstance(own, int) or node == own or node >= len(names):
        return None
    whole = run.name.removesuffix(f"-node{own}") if own else run.name
    return str(names[node]), part_name(whole, node)


def plan_nodes(
    machines: Sequence[Machine], line: Line, build: Callable[[Site], places.Build], report: Report
) -> tuple[Part, ...]:
    """Decide every node's part; UsageError or another that names the node when they do not fit together."""
    address = line.address or _address(machines)
    run = machines[0].wish.job.name
    ports = free_ports(run, taken_there(machines[0].site.host), count=2)
    names = tuple(machine.name for machine in machines)

    def plan(rank: int, one: Machine) -> Part:
        name = part_name(run, rank)
        node = Node(
            rank=rank,
            count=len(machines),
            address=address,
            port=ports[0],
            link_port=ports[1],
            names=names,
            token_file=FILE,
            silence_s=line.silence_s,
        )
        with _named(one.name):
            link = _interface(one.site.host, address)
            job = replace(one.wish.job, name=name, node=node, link=link, whole=run)
            return _part(one, plan_job(one.site, replace(one.wish, job=job), build(one.site), report))

    with ThreadPoolExecutor(len(machines)) as pool:  # each question waits for a machine
        parts = tuple(pool.map(plan, range(len(machines)), machines))
    _refuse_unlike(parts)
    return _of_one_attempt(parts)


def _part(machine: Machine, plan: JobPlan) -> Part:
    place = plan.nodes[0].place
    if not isinstance(place, OwnContainer):
        raise UsageError(
            f"environment {place.name} has a network of its own, where other nodes do not reach it",
            fix="--image gives the run a container on each node",
        )
    return Part(machine=machine, plan=plan, place=place)


def _of_one_attempt(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return them with one number for the attempt: a node may be new, or have begun more often."""
    number = max(part.request.attempt for part in parts)
    same = []
    for part in parts:
        (node,) = part.plan.nodes
        node = replace(node, request=replace(node.request, attempt=number))
        same.append(replace(part, plan=replace(part.plan, nodes=(node,))))
    return tuple(same)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say which node it is."""
    try:
        yield
    except EnvkitError as error:
        raise type(error)(f"node {name}: {error.what}", fix=error.fix) from error


def _address(machines: Sequence[Machine]) -> str:
    """Return where the others reach node 0: as SSH reaches it, or as they see this machine come."""
    hosts = [machine.site.host for machine in machines]
    asked, field = (hosts[0], 2) if isinstance(hosts[0], Remote) else (hosts[1], 0)
    words = asked.run(Command(words=("sh", "-c", _CONNECTION))).stdout.split()
    found = words[field] if len(words) == 4 else "127.0.0.1"
    apart = {host.read(_BOOT_ID) for host in hosts}
    if len(apart) > 1 and ipaddress.ip_address(found).is_loopback:
        raise UsageError(
            f"node 0 ({machines[0].name}) is reached at {found} from here, which means nothing to the others",
            fix="--node-address says where they reach it",
        )
    return found


def _interface(host: Host, address: str) -> str:
    found = host.run(Command(words=("sh", "-c", _INTERFACE, "sh", address), env={"LC_ALL": "C"}))
    return next(iter(found.stdout.split()), "")


def _refuse_unlike(parts: Sequence[Part]) -> None:
    """Refuse other images, other numbers of processes, and another script than node 0 has."""
    first = parts[0]
    wanted = _script_digest(first)
    for part in parts[1:]:
        name, main = part.machine.name, first.machine.name
        if part.place.image_id != first.place.image_id:
            raise RunError(
                f"{name} has another image than {main}: {part.place.image_id[:19]}, not "
                f"{first.place.image_id[:19]}",
                fix="build it once, and `docker save` it, `docker load` it on the others",
            )
        if part.request.nproc != first.request.nproc:
            raise RunError(
                f"{name} would have {part.request.nproc} processes, {main} {first.request.nproc}",
                fix="--nproc N: the same number on each",
            )
        if _script_digest(part) != wanted:
            raise RunError(f"{name} has another script than {main}", fix="--sync sends yours to each")


def _script_digest(part: Part) -> str:
    """Return a script's digest; a module, a command and a script that is sent have none."""
    path = str(part.request.record["script"])
    if part.plan.project or not path.startswith("/"):
        return ""
    with _named(part.machine.name):
        done = part.machine.site.host.run(Command(words=("sha256sum", "--", path)))
    return done.stdout.split()[0].lstrip("\\") if done.code == 0 else ""


def start_nodes(parts: Sequence[Part], report: Report) -> tuple[tuple[Going, ...], Bearer]:
    """Start every part; the scripts begin once all have their token. None is left when one cannot start."""
    started: list[Going] = []
    try:
        for part in parts:
            with _named(part.machine.name):
                started.append(start(part.machine.site, part.plan, report))
        bearer = Bearer(
            holders=[_holder(*one) for one in zip(parts, started, strict=True)], token=new_token()
        )
        for part, holder in zip(parts, bearer.holders, strict=True):
            with _named(part.machine.name):
                bearer.bring(holder)
    except BaseException:
        for part, going in zip(parts, started, strict=False):
            _undo(part, going)
        raise
    return tuple(started), bearer


def _holder(part: Part, going: Going) -> Holder:
    return Holder(site=part.machine.site, container=going.container)


def _undo(part: Part, going: Going) -> None:
    """Remove a part, or its new attempt: no script has begun while a node is missing."""
    site, number = part.machine.site, part.request.attempt
    card_lease.release(site.engine, going.container)
    site.engine.containers.remove(going.container)
    folder = part.plan.folder
    made = folder.attempt(number) if number > 1 else folder
    site.host.run(Command(words=("sh", "-c", _REMOVE, "sh", str(made.path))))
