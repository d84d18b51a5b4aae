"""All runs of a machine: their folders, and the engine's containers that run one."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from envkit.engines.base import Engine
from envkit.engines.values import OWNED_CONTAINER, ContainerFacts, ExecRequest
from envkit.environment import lookup
from envkit.environment.site import Site
from envkit.errors import EngineError, UsageError
from envkit.plan.run_plan import HOME
from envkit.run.evidence import Found, Look, look
from envkit.run.folder import TASKS, Attempt, End, RunFolder, RunRecord, Supervisor
from envkit.run.processes import LIVES
from envkit.run.states import OVER, Evidence, Judged, State, Word, judge

KIND = {OWNED_CONTAINER: "true", "io.envkit.kind": "run"}
NAME = "io.envkit.run"
FOLDER = "io.envkit.run-folder"  # of its machine
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of what `envkit train` makes
PREFIX = "run/"  # before a run's name where an environment has the same
_SHORT_ID = re.compile(r"[0-9a-f]{12}")  # a container's host name, where nobody chose another
# Prints those of the supervisors that live.
ALIVE = LIVES + 'for one do lives "${one%:*}" "${one#*:}" && echo "$one"; done; true'


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as it is now."""

    name: str
    folder: RunFolder  # on its machine
    record: RunRecord
    state: State
    end: End | None
    beside: str = ""  # what is to be said besides: nobody answers, a file is damaged
    container: str | None = None  # its own
    environment: str | None = None  # the one that it runs in
    attempt: int = 1
    started: float | None = None
    took_s: float | None = None

    @property
    def home(self) -> str:
        """Return the folder behind /work/home."""
        return str(self.folder.path.parent.parent)

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return self.state in OVER

    @property
    def sentence(self) -> str:
        """Return why it is in its state; empty where the state says all."""
        return self.end.sentence if self.end else ""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the engine says: the containers of runs and of environments, or why it says nothing."""

    runs: tuple[ContainerFacts, ...] = ()
    environments: tuple[ContainerFacts, ...] = ()
    silent: str = ""

    @property
    def homes(self) -> Iterable[str]:
        """Return the folders that are somebody's /work/home."""
        return filter(None, (home_of(facts) for facts in (*self.runs, *self.environments)))


def runs(site: Site, home: str | None = None, name: str = "*") -> tuple[Run, ...]:
    """Return the runs, the newest first; of one home where it is given, else of every known one."""
    first = home or site.home
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(look, site.host, [first], name)
        seen = _seen(site.engine)
        found = reading.result()
    others = () if home else set(seen.homes) - {first}
    if others:
        found = replace(found, runs=(*found.runs, *look(site.host, sorted(others), name).runs))
    alive = _alive(site.engine, seen, found.runs)
    known = [_judged(one, seen, found, alive) for one in found.runs]
    there = {(run.home, run.name) for run in known}
    bare = [_without_folder(facts) for facts in seen.runs if _key(facts) not in there]
    bare = [run for run in bare if run.home == (home or run.home) and name in ("*", run.name)]
    return tuple(sorted((*known, *bare), key=_age))


def find(site: Site, name: str) -> Run:
    """Return one run, by its name or by the path of its folder; UsageError when there is none, or several."""
    home, bare = _taken_apart(name)
    found = named(site, name)
    if not found:
        raise UsageError(f"there is no run {bare!r}", fix=_near(bare, [run.name for run in runs(site, home)]))
    return only(found, site.here)


def named(site: Site, name: str) -> tuple[Run, ...]:
    """Return the runs of a name, or the one in a folder: several homes may have one."""
    home, bare = _taken_apart(name)
    return runs(site, home, bare) if _NAME.fullmatch(bare) else ()


def only(found: tuple[Run, ...], here: str) -> Run:
    """Return the run, where there is one of its name; of several the one in whose home the user is."""
    if len(found) > 1:
        near = [run for run in found if here and PurePosixPath(here).is_relative_to(run.home)]
        if len(near) == 1:
            return near[0]
        folder = shlex.quote(str(found[0].folder.path))
        where = "\n    ".join(str(run.folder.path) for run in found)
        raise UsageError(
            f"there are {len(found)} runs {found[0].name!r}, in several homes:\n    {where}",
            fix=f"in its home the name is enough; elsewhere give its folder: {folder}",
        )
    return found[0]


def _taken_apart(name: str) -> tuple[str | None, str]:
    """Return the home that is meant, if one is, and the run's name."""
    bare = name.removeprefix(PREFIX)
    if "/" not in bare:
        return None, bare
    path = PurePosixPath(bare)
    return str(path.parent.parent), path.name


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    found = "`envkit runs` lists them" if known else "there is none; `envkit train` starts one"
    return f"{found}. One of another --home is named by its folder: HOME/{TASKS}/{name}"


def home_of(facts: ContainerFacts) -> str:
    """Return the host's folder behind a container's /work/home; empty when it has none."""
    return next((mount.source for mount in facts.mounts if mount.target == HOME), "")


def _seen(engine: Engine) -> _Seen:
    try:
        return _Seen(runs=engine.containers.find(KIND), environments=lookup.everything(engine))
    except EngineError as error:
        return _Seen(silent=error.what)


def _key(facts: ContainerFacts) -> tuple[str, str]:
    return home_of(facts), facts.labels.get(NAME, "")


def _judged(found: Found, seen: _Seen, at: Look, alive: Mapping[str, set[str]]) -> Run:
    environment = environment_of(found.record)
    own = next((one for one in seen.runs if _key(one) == (found.home, found.name)), None)
    if seen.silent:
        word = Word(state="unreachable", error=seen.silent)
    elif environment:
        word = _of_environment(found, environment, seen, alive)
    else:
        word = _of_container(found.evidence, own, at.boot_id)
    judged = judge(found.evidence, word)
    return Run(
        name=found.name,
        folder=RunFolder.on_host(found.home, found.name),
        record=found.record,
        state=judged.state,
        end=judged.end,
        beside=_beside(judged, found.damaged),
        container=own.id if own else None,
        environment=environment,
        attempt=found.attempt,
        started=found.started,
        took_s=_took(found, judged, at.now),
    )


def _beside(judged: Judged, damaged: tuple[str, ...]) -> str:
    broken = f"{', '.join(damaged)}: not as envkit wrote it" if damaged else ""
    return "; ".join(filter(None, (judged.beside, broken)))


def _took(found: Found, judged: Judged, now: float) -> float | None:
    if found.started is None:
        return None
    if judged.state not in OVER:
        return max(0.0, now - found.started)
    ended = judged.end and judged.end.ended
    return max(0.0, ended - found.started) if ended else None


def environment_of(record: RunRecord) -> str | None:
    """Return the environment that a run was started in; None: a container of its own."""
    name = record.record.get("environment")
    return name if isinstance(name, str) and name else None


def _of_container(evidence: Evidence, own: ContainerFacts | None, boot_id: str) -> Word:
    if own is None:
        return Word(state="gone")
    then = evidence.supervisor.boot_id if evidence.supervisor else boot_id
    return Word(
        state=own.state,
        exit_code=own.exit_code,
        oom_killed=own.oom_killed,
        error=own.error,
        rebooted=bool(boot_id and then) and then != boot_id,
    )


def _of_environment(found: Found, name: str, seen: _Seen, alive: Mapping[str, set[str]]) -> Word:
    facts = next((one for one in seen.environments if lookup.name_of(one) == name), None)
    if facts is None:
        return Word(place="environment", state="gone")
    supervisor = found.evidence.supervisor
    lives = None
    if supervisor is not None and facts.id in alive:
        lives = _mark(supervisor) in alive[facts.id]
    return Word(place="environment", state=facts.state, is_same=_is_same(facts, found), is_alive=lives)


def _is_same(facts: ContainerFacts, found: Found) -> bool:
    """Tell whether it is the very container that the run began in, and was not restarted since."""
    supervisor = found.evidence.supervisor
    lives_in = supervisor.container if supervisor else ""
    if _SHORT_ID.fullmatch(lives_in) and not facts.id.startswith(lives_in):
        return False
    began = _seconds(facts.started)
    return began is None or found.started is None or began <= found.started + 1.0  # the engine cuts seconds


def _mark(supervisor: Supervisor) -> str:
    return f"{supervisor.pid}:{supervisor.started_ticks}"


def _alive(engine: Engine, seen: _Seen, found: Iterable[Found]) -> dict[str, set[str]]:
    """Ask each environment in which a run has not ended yet which supervisors live."""
    asked: dict[str, set[str]] = {}
    running = {lookup.name_of(one): one for one in seen.environments if one.state == "running"}
    for one in found:
        facts = running.get(environment_of(one.record) or "")
        if facts and one.evidence.supervisor and one.evidence.end is None:
            asked.setdefault(facts.id, set()).add(_mark(one.evidence.supervisor))
    answers: dict[str, set[str]] = {}
    for container, marks in asked.items():
        request = ExecRequest(command=("sh", "-c", ALIVE, "sh", *sorted(marks)), timeout_s=15.0)
        try:
            done = engine.inside.execute(container, request)
        except EngineError:
            continue  # it is not known
        if done.code == 0:
            answers[container] = set(done.stdout.decode("ascii", "replace").split())
    return answers


def _without_folder(facts: ContainerFacts) -> Run:
    """Return a run of which the engine alone knows."""
    home, name = _key(facts)
    judged = judge(Evidence(), _of_container(Evidence(), facts, ""))
    record: dict[str, Any] = {"image": facts.image}
    return Run(
        name=name or facts.name,
        folder=RunFolder.on_host(home or "/", name or facts.name),
        record=RunRecord(
            name=name, record=record, created=_seconds(facts.created), attempt=Attempt(number=1)
        ),
        state=judged.state,
        end=judged.end,
        beside=f"there is no run.json in {PurePosixPath(home) / TASKS / name}",
        container=facts.id,
    )


def _seconds(moment: str) -> float | None:
    try:
        return datetime.fromisoformat(moment[: len("2026-01-01T00:00:00")] + "+00:00").timestamp()
    except ValueError:
        return None


def _age(run: Run) -> tuple[float, str]:
    return -(run.started or run.record.created or 0.0), run.name
