"""From what was asked for to a job plan: the script is found, the place chosen, the machine looked at."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from envkit.engines.values import Mount
from envkit.environment import asking, folders, machine
from envkit.environment.asking import Asked
from envkit.environment.secrets import values
from envkit.environment.site import Site
from envkit.environment.target import foretold
from envkit.errors import RunError, UsageError
from envkit.hosts.base import Host
from envkit.plan.run_plan import HOME, Caller, RunHost, RunOptions
from envkit.run import going, listing, places, scripts, sync
from envkit.run.folder import Request, RunFolder
from envkit.run.plan import (
    InEnvironment,
    JobPlan,
    JobWish,
    NodePlan,
    OwnContainer,
    Runnable,
    own_container,
    request,
)
from envkit.run.scripts import NotShown, Script
from envkit.run.source import git_of
from envkit.run.start import exists
from envkit.run.sync import Project

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What `train` is asked for; paths are whole ones, of the host where it runs."""

    script: str | None = None
    module: str | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    cwd: str
    workdir: str | None = None
    python: str | None = None
    image: str | None = None
    environment: str | None = None
    is_own: bool = False  # something was asked of the container that an environment cannot be given
    options: RunOptions
    caller: Caller
    allow_system_mounts: bool = False
    resume: bool = False
    sync: bool = False  # script and folders are this machine's, and copied
    here: Host | None = None  # this machine, where that is another than the one it runs on
    script_here: str | None = None  # what the script's path would mean on this machine
    job: JobWish


def plan_job(site: Site, wish: Wish, build: places.Build, report: Report) -> JobPlan:
    """Decide everything about a run; nothing is made but an image, by `build`."""
    asked = wish.script or wish.workdir or wish.cwd
    project = _project(site, wish)  # before anything is built
    where = places.Where(
        image=wish.image,
        environment=wish.environment,
        device=wish.options.device,
        asked=asked,
        is_own=wish.is_own,
        is_copied=wish.sync,
    )
    found = places.choose(site, where)
    if found.why:
        report(f"the run goes {found.why}")
    if found.environment is not None:
        inside = places.in_environment(site, found.environment, wish.python)
        made_of = site.engine.images.inspect(found.environment.image)
        settled = _Settled(place=inside, env=dict(made_of.env) if made_of else {}, project=project)
        return _planned(site, wish, settled, report)
    image = found.image
    if image is None:
        _refuse_early(site, wish, found.spec, project)
        image = build(found.spec)
    runnable = places.runnable(site, image, wish.options.device, wish.python)
    settled = _Settled(place=_own(site, wish, runnable), env=dict(runnable.env), project=project)
    return _planned(site, wish, settled, report)


def _refuse_early(site: Site, wish: Wish, spec: str, project: Project | None) -> None:
    """Refuse what no image changes, before one is built: limits, cards, the script's place, the name."""
    place = _own(site, wish, Runnable(image=foretold(spec), python=()))
    _asked(site, wish, _Settled(place=place, env={}, project=project), report=lambda text: None)
    values(place.secrets)


@dataclass(frozen=True, kw_only=True)
class _Settled:
    """Where it goes, and what is copied there."""

    place: OwnContainer | InEnvironment
    env: dict[str, str]  # the image's own
    project: Project | None


def _project(site: Site, wish: Wish) -> Project | None:
    """Return what is copied; without --sync look at once whether the script is there at all."""
    asked = wish.script or wish.cwd
    if wish.sync:
        return sync.project(scripts.find(wish.here or site.host, asked, ()).real)
    if wish.script is None or wish.script.startswith("/work/"):
        return None
    try:
        scripts.find(site.host, wish.script, ())
    except UsageError as error:
        if wish.here is None or wish.script_here is None or not _is_there(wish.here, wish.script_here):
            raise
        raise UsageError(
            f"{error.what} on {site.host.name}, but here is {wish.script_here}",
            fix="--sync sends the project over",
        ) from error
    return None


def _is_there(host: Host, path: str) -> bool:
    try:
        scripts.find(host, path, ())
    except UsageError:
        return False
    return True


def _planned(site: Site, wish: Wish, settled: _Settled, report: Report) -> JobPlan:
    place, project = settled.place, settled.project
    asked = _asked(site, wish, settled, report)
    if project and (git := git_of(wish.here or site.host, project.root)):
        asked = replace(asked, record={**asked.record, "git": asdict(git)})
    node = NodePlan(place=place, request=asked)
    notes = place.warnings if isinstance(place, OwnContainer) else ()
    return JobPlan(name=wish.job.name, home=_home(place.mounts), nodes=(node,), notes=notes, project=project)


def _asked(site: Site, wish: Wish, settled: _Settled, report: Report) -> Request:
    place, project = settled.place, settled.project
    if project:
        shown = (project.shown(wish.job.name), *place.mounts)
        script = _script(wish.here or site.host, wish, shown, report)
    else:
        fixed = isinstance(place, InEnvironment)
        script = _script(site.host, wish, place.mounts, report, fixed=fixed)
    attempt = _attempt(site, wish, RunFolder.on_host(_home(place.mounts), wish.job.name), report)
    return request(place, script, replace(wish.job, attempt=attempt), settled.env)


def _own(site: Site, wish: Wish, runnable: Runnable) -> OwnContainer:
    engine = site.engine.facts()
    asked = Asked(
        image=runnable.image,
        options=wish.options,
        caller=wish.caller,
        allow_system_mounts=wish.allow_system_mounts,
    )
    options = asking.resolved(site.host, engine, asked)
    base = RunHost(
        memory_mib=machine.memory_mib(site.host),
        home=options.home or folders.resolve(site.host, site.home, option="--home"),
        cache=options.cache or folders.resolve(site.host, site.cache, option="--cache"),
        free_ports=(),
        emulates=asking.emulates(site.engine, engine.architecture, runnable.image),
    )
    asked = replace(asked, options=options)
    host = asking.facts(site.host, engine, asked, base)
    host = replace(host, seen=asking.seen(site.host, site.engine, engine.cdi, asked, None))
    return own_container(runnable, options, host, wish.caller, wish.job)


def _home(mounts: tuple[Mount, ...]) -> str:
    for one in mounts:
        if one.target == HOME and one.source.startswith("/"):
            return one.source
    raise RunError(
        "the environment has no folder of the host at /work/home: a run's evidence would not be found",
        fix="--image gives the run a container of its own",
    )


def _script(
    host: Host, wish: Wish, shown: tuple[Mount, ...], report: Report, *, fixed: bool = False
) -> Script:
    """Return what is run and where: `--workdir` decides, else the script's folder, else the caller's."""
    chosen = wish.workdir and scripts.folder(host, wish.workdir, shown, option="--workdir ")
    if wish.script is not None:
        found = scripts.find(host, wish.script, shown)
        script = scripts.script(host, found, wish.args, shown, fixed=fixed)
        return replace(script, directory=chosen) if chosen else script
    if wish.module is not None:
        directory = chosen or scripts.folder(host, wish.cwd, shown, fixed=fixed)
        return scripts.module(wish.module, wish.args, directory)
    return Script(
        kind="command",
        target=wish.command[0],
        args=wish.command[1:],
        directory=chosen or _directory(host, wish.cwd, shown, report),
    )


def _directory(host: Host, cwd: str, shown: tuple[Mount, ...], report: Report) -> str:
    try:
        return scripts.folder(host, cwd, shown)
    except NotShown:
        report(f"it works in {HOME}: the run does not see {cwd}; --workdir names another folder")
        return HOME


def _attempt(site: Site, wish: Wish, folder: RunFolder, report: Report) -> int:
    before = going.attempts(site.host, folder)
    if not before:
        if wish.resume:
            report(f"there is no run {wish.job.name} yet: it begins")
        return 1
    runs = _runs(site, folder)
    if runs or not wish.resume:
        raise exists(wish.job.name, runs=runs)
    return before + 1


def _runs(site: Site, folder: RunFolder) -> bool:
    try:
        return not listing.find(site, str(folder.path)).is_over
    except UsageError:
        return False  # its folder tells nothing, and it has no container


def whole(path: str, cwd: str) -> str:
    """Return a path as a whole one; links and `..` stay, since a link's folder may be meant by `..`."""
    return posixpath.join(cwd, path)


def refuse_several(wish: Wish) -> None:
    """Refuse none, and more than one, of script, module and command."""
    given = [bool(wish.script), bool(wish.module), bool(wish.command)]
    if sum(given) != 1:
        raise UsageError(
            "a script and -m beside it: which is meant?" if any(given) else "what is to be run?",
            fix="envkit train train.py, envkit train -m pkg.mod, or envkit train -- COMMAND",
        )
