"""A run that was started: where it goes on, and where its folder is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from envkit.engines.values import ContainerFacts
from envkit.hosts.base import Command, Host
from envkit.plan.run_plan import container_name
from envkit.run.folder import AttemptFolder, RunFolder
from envkit.run.from_json import Damaged, read
from envkit.run.listing import Run

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Going:
    """A run, as whoever follows or stops it needs to know it."""

    name: str
    folder: RunFolder  # on the host
    container: str  # its own, or its environment's
    environment: str = ""  # "": it has a container of its own
    nproc: int = 1
    retries: int = 0
    survives: bool = False  # the engine starts it again when it was lost with the machine
    first: int = 1  # the attempt it was started for: earlier ones are not its own


def of(run: Run) -> Going:
    """Return a listed run as whoever follows or stops it needs to know it."""
    environment = run.environment or ""
    return Going(
        name=run.name,
        folder=run.folder,
        container=run.container or (container_name(environment) if environment else ""),
        environment=environment,
        nproc=run.record.nproc * run.record.nodes,
        retries=run.record.retries,
        survives=run.record.retries > 0,
    )


def attempts(host: Host, folder: RunFolder) -> int:
    """Return how many attempts there are: the number of the last one; 0: it has not begun."""
    listed = host.run(Command(words=("ls", "-1", "--", str(folder.attempts)), env={"LC_ALL": "C"}))
    return max((int(name) for name in listed.stdout.split() if name.isdecimal()), default=0)


def record(host: Host, kind: type[T], path: PurePosixPath) -> T | None:
    """Return what a file of a run's folder holds; None when it is not there, or a script has damaged it."""
    text = host.read(Path(path))
    if text is None:
        return None
    try:
        return read(kind, text, name=str(path))
    except Damaged:
        return None


def last_number(host: Host, run: Going) -> int:
    """Return the number of the last attempt; of a run that has not begun, that of its first."""
    return max(run.first, attempts(host, run.folder))


def last_attempt(host: Host, run: Going) -> AttemptFolder:
    """Return the folder of the last attempt; of a run that has not begun, that of its first."""
    return run.folder.attempt(last_number(host, run))


def is_active(facts: ContainerFacts) -> bool:
    """Tell whether a container runs, or is about to go on."""
    return facts.state in ("running", "paused", "restarting")
