"""Wait for a run's end, stop it, and remove what is left of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from envkit.environment import card_lease
from envkit.environment.site import Site
from envkit.errors import EnvkitError, HostError
from envkit.hosts.base import Command
from envkit.run import going
from envkit.run.listing import Run, find
from envkit.run.settle import settle
from envkit.run.stop import stop

Report = Callable[[str], None]

_PAUSE_S = 0.5  # between looks: over SSH each is a command and some questions to the engine
_TOLD_S = 10.0  # between two words on what is waited for
# Sizes in blocks of 1024 bytes, as they lie on the disk. What is only half removed by a remove that was
# killed is still a run, and is removed by the next one: run.json goes last. Neither follows a link.
_SIZES = (
    'cd -- "$1" && for part in model attempts code; do [ -e "$part" ] && du -sk -- "$part"; done; du -sk .'
)
_REMOVE = 'find "$1" -mindepth 1 -maxdepth 1 ! -name run.json -exec rm -rf -- {} + && rm -rf -- "$1"'
_REMOVE_S = 600.0  # many small files on a network's disk


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What goes with a run."""

    run: Run
    model_bytes: int
    log_bytes: int
    other_bytes: int
    written_bytes: int  # in its container, outside of /work


def wait(
    site: Site, run: Run, wanted: Literal["running", "stopped"], timeout_s: float, report: Report
) -> Run:
    """Return the run once it runs, or is over; EnvkitError when that does not come."""
    deadline, told = time.monotonic() + timeout_s, time.monotonic()
    while True:
        run = find(site, str(run.folder.path))
        if run.is_over:
            settle(site, going.of(run))
            return run
        if wanted == "running" and run.state != "starting":
            return run
        now = time.monotonic()
        if now > deadline:
            raise EnvkitError(
                f"run {run.name} is still {run.state} after {timeout_s:g} s", fix=f"`envkit logs {run.name}`"
            )
        if now - told > _TOLD_S:
            told = now
            report(f"run {run.name} is {run.state}" + (f"; {run.beside}" if run.beside else ""))
        time.sleep(_PAUSE_S)


def stop_and_wait(site: Site, run: Run, report: Report, *, now: bool) -> Run:
    """Ask it to finish, or end it at once, and return it when it has ended."""
    if run.is_over:
        return run
    stop(site, going.of(run), now=now)
    report(f"run {run.name} is asked to {'end' if now else 'finish'}: waiting for its end")
    return wait(site, run, "stopped", float("inf"), report)


def loss(site: Site, run: Run) -> Loss:
    """Tell what removing a run would lose; EnvkitError when it has not ended."""
    if not run.is_over:
        raise EnvkitError(f"run {run.name} is {run.state}", fix=f"`envkit stop {run.name}` first")
    done = site.host.run(Command(words=("sh", "-c", _SIZES, "sh", str(run.folder.path)), env={"LC_ALL": "C"}))
    sizes = {
        name: int(size) * 1024
        for size, _, name in (line.partition("\t") for line in done.stdout.splitlines())
    }
    model, logs = sizes.get("model", 0), sizes.get("attempts", 0)
    return Loss(
        run=run,
        model_bytes=model,
        log_bytes=logs,
        other_bytes=max(0, sizes.get(".", 0) - model - logs),
        written_bytes=site.engine.containers.written_bytes(run.container) if run.container else 0,
    )


def remove(site: Site, lost: Loss) -> None:
    """Remove a run's container, then its folder; one that began again meanwhile is left alone."""
    run = find(site, str(lost.run.folder.path))
    if not run.is_over:
        raise EnvkitError(f"run {run.name} is {run.state} again", fix=f"`envkit stop {run.name}` first")
    if run.container:
        settle(site, going.of(run))  # what it wrote outside of /work was shown: it goes, too
        site.engine.containers.remove_idle(run.container)
        card_lease.release(site.engine, run.container)
    words = ("sh", "-c", _REMOVE, "sh", str(run.folder.path))
    done = site.host.run(Command(words=words, env={"LC_ALL": "C"}, timeout_s=_REMOVE_S))
    if done.code != 0:
        raise HostError(
            f"the folder of run {run.name} is not removed: {done.stderr.strip()[:300]}",
            fix=f"look at {run.folder.path}: somebody else's files may be in it",
        )
