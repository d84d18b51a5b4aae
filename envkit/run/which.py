"""What a name means where both have names: an environment, or a training run."""

from __future__ import annotations

import difflib

from envkit.engines.values import ContainerFacts
from envkit.environment import lookup
from envkit.environment.site import Site
from envkit.errors import EngineError, HostError, UsageError
from envkit.run.evidence import look
from envkit.run.listing import PREFIX, Run, find, home_of, named, only, runs

ENVIRONMENT = "env/"  # before an environment's name where a run has the same


def meant(site: Site, name: str | None) -> Run | str | None:
    """Return the run, or the environment's name (None: the only one); UsageError when it is unclear."""
    if name is None:
        return None
    if name.startswith(ENVIRONMENT):
        return name.removeprefix(ENVIRONMENT)
    if "/" in name:
        return find(site, name)
    environment, trouble = _environment(site, name)
    if environment is not None:
        if _is_run_too(site, name, environment):
            raise UsageError(
                f"{name!r} is an environment and a run",
                fix=f"{PREFIX}{name} is the run, {ENVIRONMENT}{name} the environment",
            )
        return name
    found = named(site, name)
    if found:
        return only(found, site.here)
    raise trouble or _unknown(site, name)


def all_meant(site: Site, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Run, ...]]:
    """Return the environments' names, and the runs."""
    found = [meant(site, name) for name in names]
    return tuple(one for one in found if isinstance(one, str)), tuple(
        one for one in found if isinstance(one, Run)
    )


def _environment(site: Site, name: str) -> tuple[ContainerFacts | None, EngineError | None]:
    """Look for it; an engine that does not tell is no matter for a run, whose folder is enough."""
    try:
        return lookup.find(site.engine, name), None
    except EngineError as error:
        return None, error


def _is_run_too(site: Site, name: str, environment: ContainerFacts) -> bool:
    """Look for a run in the homes that come first: one look at the disk, and none at other environments."""
    homes = {site.home, home_of(environment)} - {""}
    try:
        return bool(look(site.host, sorted(homes), name).runs)
    except HostError:
        return False  # a machine that cannot list runs hides no environment


def _unknown(site: Site, name: str) -> UsageError:
    known = [lookup.name_of(facts) for facts in lookup.everything(site.engine)]
    known += [run.name for run in runs(site)]
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        fix = f"did you mean {' or '.join(near)}?"
    elif known:
        fix = "`envkit ps` lists environments, `envkit runs` runs"
    else:
        fix = "there is none; `envkit up` starts an environment, `envkit train` a run"
    return UsageError(f"there is no environment and no run {name!r}", fix=fix)
