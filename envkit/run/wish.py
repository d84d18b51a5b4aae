"""From what was asked for to a job plan: the script is found, the place chosen, the machine looked at."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from envkit.engines.values import Mount
from envkit.environment import asking, folders, machine
from envkit.environment.asking import Asked
from envkit.environment.up import Site
from envkit.errors import RunError, UsageError
from envkit.plan.run_plan import HOME, Caller, RunHost, RunOptions
from envkit.run import going, places, scripts
from envkit.run.folder import RunFolder
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
    job: JobWish


def plan_job(site: Site, wish: Wish, build: places.Build, report: Report) -> JobPlan:
    """Decide everything about a run; nothing is made but an image, by `build`."""
    asked = wish.script or wish.workdir or wish.cwd
    if wish.script and not wish.script.startswith("/work/"):
        scripts.find(site.host, wish.script, ())  # before anything is built
    where = places.Where(
        image=wish.image,
        environment=wish.environment,
        device=wish.options.device,
        asked=asked,
        is_own=wish.is_own,
    )
    found = places.choose(site, where, build)
    if found.why:
        report(f"the run goes {found.why}")
    if found.environment is not None:
        inside = places.in_environment(site, found.environment, wish.python)
        image = site.engine.images.inspect(found.environment.image)
        return _planned(site, wish, inside, dict(image.env) if image else {}, report)
    assert found.image is not None  # one of the two
    runnable = places.runnable(site, found.image, wish.options.device, wish.python)
    return _planned(site, wish, _own(site, wish, runnable), dict(runnable.env), report)


def _planned(
    site: Site, wish: Wish, place: OwnContainer | InEnvironment, env: dict[str, str], report: Report
) -> JobPlan:
    home = _home(place.mounts)
    script = _script(site, wish, place.mounts, report)
    attempt = _attempt(site, wish, RunFolder.on_host(home, wish.job.name), report)
    job = replace(wish.job, attempt=attempt)
    node = NodePlan(place=place, request=request(place, script, job, env))
    notes = place.warnings if isinstance(place, OwnContainer) else ()
    return JobPlan(name=job.name, home=home, nodes=(node,), notes=notes)


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
        home=folders.resolve(site.host, site.home, option="--home"),
        cache=folders.resolve(site.host, site.cache, option="--cache"),
        free_ports=(),
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


def _script(site: Site, wish: Wish, shown: tuple[Mount, ...], report: Report) -> Script:
    """Return what is run and where: `--workdir` decides, else the script's folder, else the caller's."""
    chosen = wish.workdir and scripts.folder(site.host, wish.workdir, shown, option="--workdir ")
    if wish.script is not None:
        found = scripts.find(site.host, wish.script, shown)
        script = scripts.script(site.host, found, wish.args, shown)
        return replace(script, directory=chosen) if chosen else script
    if wish.module is not None:
        directory = chosen or scripts.folder(site.host, wish.cwd, shown, option="")
        return scripts.module(wish.module, wish.args, directory)
    return Script(
        kind="command",
        target=wish.command[0],
        args=wish.command[1:],
        directory=chosen or _directory(site, wish.cwd, shown, report),
    )


def _directory(site: Site, cwd: str, shown: tuple[Mount, ...], report: Report) -> str:
    try:
        return scripts.folder(site.host, cwd, shown, option="")
    except NotShown:
        report(f"it works in {HOME}: the run does not see {cwd}; --workdir names another folder")
        return HOME


def _attempt(site: Site, wish: Wish, folder: RunFolder, report: Report) -> int:
    before = going.attempts(site.host, folder)
    if not wish.resume:
        return 1
    if not before:
        report(f"there is no run {wish.job.name} yet: it begins")
        return 1
    return before + 1


def whole(path: str, cwd: str) -> str:
    """Return a path as a whole one; links and `..` stay, since a link's folder may be meant by `..`."""
    return posixpath.join(cwd, path)


def refuse_several(wish: Wish) -> None:
    """Refuse none, and more than one, of script, module and command."""
    given = [bool(wish.script), bool(wish.module), bool(wish.command)]
    if sum(given) != 1:
        raise UsageError(
            "what is to be run?" if not any(given) else "a script and a module, or a command: one of them",
            fix="envkit train train.py, envkit train -m pkg.mod, or envkit train -- COMMAND",
        )
