"""What a name means where both have names: an environment, or a training run."""

from __future__ import annotations

import difflib

from envkit.environment import lookup
from envkit.environment.up import Site
from envkit.errors import EngineError, HostError, UsageError
from envkit.run.listing import PREFIX, Run, find, named, only, runs

ENVIRONMENT = "env/"  # before an environment's name where a run has the same


def meant(site: Site, name: str | None) -> Run | str | None:
    """Return the run, or the environment's name (None: the only one); UsageError when it is unclear."""
    if name is None:
        return None
    if name.startswith(ENVIRONMENT):
        return name.removeprefix(ENVIRONMENT)
    if "/" in name:
        return find(site, name)
    is_environment, trouble = _is_environment(site, name)
    found = _runs(site, name, is_environment=is_environment)
    if found and is_environment:
        raise UsageError(
            f"{name!r} is an environment and a run",
            fix=f"{PREFIX}{name} is the run, {ENVIRONMENT}{name} the environment",
        )
    if found:
        return only(found)
    if trouble:
        raise trouble
    if not is_environment:
        raise _unknown(site, name)
    return name


def all_meant(site: Site, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Run, ...]]:
    """Return the environments' names, and the runs."""
    found = [meant(site, name) for name in names]
    return tuple(one for one in found if isinstance(one, str)), tuple(
        one for one in found if isinstance(one, Run)
    )


def _runs(site: Site, name: str, *, is_environment: bool) -> tuple[Run, ...]:
    """Return the runs of that name; a machine that cannot list any hides no environment."""
    try:
        return named(site, name)
    except HostError:
        if not is_environment:
            raise
        return ()


def _is_environment(site: Site, name: str) -> tuple[bool, EngineError | None]:
    """Look for it; an engine that does not tell is no matter for a run, whose folder is enough."""
    try:
        return lookup.find(site.engine, name) is not None, None
    except EngineError as error:
        return False, error


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
