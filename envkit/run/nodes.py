"""One run on several machines: a part per node, all started or none.

Node 0's part has the run's name, and tells how the run ended; the others are NAME-node1, NAME-node2, … and
are runs like any other: they are listed, followed and removed as such. What joins them is probes/run_link.py.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from envkit.container.deliver import deliver
from envkit.environment import card_lease
from envkit.environment.ports import free_ports, taken_there
from envkit.environment.site import Site
from envkit.errors import EnvkitError, RunError, UsageError
from envkit.hosts.base import Command, Host, Remote
from envkit.plan.run_plan import SECRETS
from envkit.run import ending, listing, places
from envkit.run.folder import Node
from envkit.run.going import Going
from envkit.run.plan import JobPlan, OwnContainer
from envkit.run.start import start
from envkit.run.wish import Wish, plan_job

Report = Callable[[str], None]

_TOKEN = "envkit-link"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# SSH_CONNECTION (sshd(8)): the client's address and port, the server's address and port.
_CONNECTION = 'printf %s "$SSH_CONNECTION"'
# The interface that has the address, else the one that leads to it.
_INTERFACE = """
ip -o addr show to "$1" 2>/dev/null | awk '{print $2; exit}' | grep . ||
ip -o route get "$1" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p'
"""
_REMOVE = 'rm -rf -- "$1"'
_SETTLE_S = 90.0  # node 0 has ended: the others write the same, and list their packages


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A node, as it was named."""

    name: str
    site: Site
    wish: Wish


def part_name(name: str, rank: int) -> str:
    """Return what a node's part of a run is called."""
    return f"{name}-node{rank}" if rank else name


def plan_nodes(
    machines: Sequence[Machine], address: str | None, build: Callable[[Site], places.Build], report: Report
) -> tuple[JobPlan, ...]:
    """Decide every node's part; UsageError or another that names the node when they do not fit together."""
    address = address or _address(machines)
    first = machines[0]
    run = first.wish.job.name
    ports = free_ports(run, taken_there(first.site.host), count=2)
    plans = []
    for rank, one in enumerate(machines):
        node = Node(
            rank=rank,
            count=len(machines),
            address=address,
            port=ports[0],
            link_port=ports[1],
            names=tuple(machine.name for machine in machines),
            token_file=f"{SECRETS}/{_TOKEN}",
        )
        with _named(one.name):
            link = _interface(one.site.host, address)
            job = replace(one.wish.job, name=part_name(run, rank), node=node, link=link, whole=run)
            plans.append(plan_job(one.site, replace(one.wish, job=job), build(one.site), report))
    _refuse_unlike(machines, plans)
    return tuple(plans)


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


def _refuse_unlike(machines: Sequence[Machine], plans: Sequence[JobPlan]) -> None:
    """Refuse other images, other numbers of processes, and another script than node 0 has."""
    seen = []
    for machine, plan in zip(machines, plans, strict=True):
        part = plan.nodes[0]
        assert isinstance(part.place, OwnContainer)  # the command asks for an image
        script = str(part.request.record["script"])
        with _named(machine.name):
            digest = "" if plan.project else _sha256(machine.site.host, script)
        seen.append((part.place.image_id, part.request.nproc, digest))
    for machine, (image, nproc, digest) in zip(machines, seen, strict=True):
        if image != seen[0][0]:
            raise RunError(
                f"{machine.name} has another image than {machines[0].name}: {image[:19]}, not "
                f"{seen[0][0][:19]}",
                fix="build it once, and `docker save` it, `docker load` it on the others",
            )
        if nproc != seen[0][1]:
            raise RunError(
                f"{machine.name} would have {nproc} processes, {machines[0].name} {seen[0][1]}",
                fix="--nproc N: the same number on each",
            )
        if digest != seen[0][2]:
            raise RunError(
                f"{machine.name} has another script than {machines[0].name}",
                fix="--sync sends yours to each",
            )


def _sha256(host: Host, path: str) -> str:
    """Return a script's digest; a module and a command have none."""
    if not path.startswith("/"):
        return ""
    done = host.run(Command(words=("sha256sum", "--", path)))
    return done.stdout.split()[0].lstrip("\\") if done.code == 0 else ""


def start_nodes(machines: Sequence[Machine], plans: Sequence[JobPlan], report: Report) -> tuple[Going, ...]:
    """Start every part; the scripts begin once all have their token. None is left when one cannot start."""
    started: list[Going] = []
    token = secrets.token_hex(32).encode()
    try:
        for machine, plan in zip(machines, plans, strict=True):
            with _named(machine.name):
                started.append(start(machine.site, plan, report))
        for machine, plan, going in zip(machines, plans, started, strict=True):
            place = plan.nodes[0].place
            assert isinstance(place, OwnContainer)  # as was asked before
            user = f"{place.caller.uid}:{place.caller.gid}"
            with _named(machine.name):
                deliver(machine.site.engine, going.container, {_TOKEN: token}, user=user)
    except BaseException:
        for machine, plan, going in zip(machines, plans, started, strict=False):
            _undo(machine.site, plan, going)
        raise
    return tuple(started)


def _undo(site: Site, plan: JobPlan, going: Going) -> None:
    """Remove a part: no script has begun while one node is not there."""
    card_lease.release(site.engine, going.container)
    site.engine.containers.remove(going.container)
    if plan.nodes[0].request.attempt == 1:
        site.host.run(Command(words=("sh", "-c", _REMOVE, "sh", str(plan.folder.path))))


def settle_others(machines: Sequence[Machine], started: Sequence[Going], report: Report) -> None:
    """Wait until the other nodes have ended, too, and remove their containers."""
    for machine, going in list(zip(machines, started, strict=True))[1:]:
        try:
            run = listing.find(machine.site, str(going.folder.path))
            ending.wait(machine.site, run, "stopped", _SETTLE_S, report)
        except EnvkitError as error:
            report(f"node {machine.name}: {error.what}")
