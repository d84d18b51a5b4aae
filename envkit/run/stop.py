"""Ask a run to finish, or end it: first it is written down who asked, then the supervisor is told."""

from __future__ import annotations

import time
from pathlib import Path

from envkit.engines.values import ExecRequest
from envkit.environment.site import Site
from envkit.errors import HostError, RunError
from envkit.hosts.base import Command
from envkit.run.folder import AttemptFolder, Stop, Supervisor
from envkit.run.from_json import text
from envkit.run.going import Going, last_attempt, record
from envkit.run.processes import LIVES

_TELL = LIVES + 'lives "$1" "$2" || exit 3; kill -s "$3" "$1"'
_GONE = 3
_NOTHING = "0"  # the signal that only asks whether a process is there (kill(2))
_WRITE = 'mkdir -p -- "$(dirname -- "$1")" && cat >"$1.$$" && mv -f -- "$1.$$" "$1"'
_BEGIN_S = 20.0  # Python starts within a second; a machine under load takes its time
_PAUSE_S = 0.2


def stop(site: Site, run: Going, *, now: bool = False) -> bool:
    """Ask it to finish, or with `now` end it at once; return whether there was anything to ask.

    It returns when the supervisor has been told, not when the run has ended.
    """
    attempt = last_attempt(site.host, run)
    if site.host.read(Path(attempt.end)) is not None:
        return False
    asked = Stop(by="user", time=time.time(), now=now)
    done = site.host.run(
        Command(words=("sh", "-c", _WRITE, "sh", str(attempt.stop)), stdin=text(asked).encode())
    )
    if done.code != 0:
        raise HostError(
            f"it cannot be written down that {run.name} is to end: {done.stderr.strip()}",
            fix=f"look at {attempt.path}: its disk and permissions",
        )
    return _tell(site, run, attempt, "TERM")


def is_alive(site: Site, run: Going) -> bool:
    """Tell whether the supervisor of its last attempt runs."""
    facts = site.engine.containers.inspect(run.container)
    if facts is None or facts.state != "running":
        return False
    supervisor = record(site.host, Supervisor, last_attempt(site.host, run).supervisor)
    return supervisor is not None and _signal(site, run, supervisor, _NOTHING)


def _tell(site: Site, run: Going, attempt: AttemptFolder, signal: str) -> bool:
    """Signal the supervisor, waiting for it to begin; one that has ended meanwhile is fine."""
    deadline = time.monotonic() + _BEGIN_S
    while True:
        facts = site.engine.containers.inspect(run.container)
        if facts is None or facts.state not in ("running", "paused", "restarting"):
            return False
        supervisor = record(site.host, Supervisor, attempt.supervisor)
        if supervisor is not None:
            return _signal(site, run, supervisor, signal)
        if time.monotonic() > deadline:
            raise RunError(
                f"{run.name} has not begun within {_BEGIN_S:.0f} s: nobody is there to be asked",
                fix=f"look at {attempt.path}; `docker logs {run.container[:12]}` may tell more",
            )
        time.sleep(_PAUSE_S)


def _signal(site: Site, run: Going, supervisor: Supervisor, signal: str) -> bool:
    facts = site.engine.containers.inspect(run.container)
    words = ("sh", "-c", _TELL, "sh", str(supervisor.pid), str(supervisor.started_ticks), signal)
    done = site.engine.inside.execute(
        run.container, ExecRequest(command=words, user=(facts.user or None) if facts else None)
    )
    if done.code not in (0, _GONE):
        said = done.stderr.decode("utf-8", "replace").strip()
        raise RunError(f"{run.name} cannot be asked to end: {said}", fix="`docker stop` ends its container")
    return done.code == 0
