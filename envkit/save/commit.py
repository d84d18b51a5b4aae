"""Save an environment: look, plan, and carry the plan out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from envkit.engines.base import Engine
from envkit.environment import save_lease
from envkit.environment.lookup import chosen
from envkit.environment.site import Site
from envkit.image.proving import Reports
from envkit.save.carry import Committed, carry
from envkit.save.look import look
from envkit.save.origins import origins, since_built
from envkit.save.plan import CommitOptions, CommitPlan, plan_commit
from envkit.save.to_spec import SpecChange, refuse_stopped, spec_change, write


def plan(engine: Engine, name: str | None, options: CommitOptions) -> tuple[CommitPlan, SpecChange | None]:
    """Look at the environment, also for secrets, and decide; nothing is changed."""
    made = plan_commit(look(engine, name, search=True), options, engine.images.inspect(options.tag))
    return made, _spec(engine, made, options)


def commit(
    site: Site, name: str | None, options: CommitOptions, reports: Reports, show: Callable[[CommitPlan], None]
) -> Committed:
    """Do what the plan says, after it was shown; what a dead save left is undone first."""
    engine = site.engine
    if save_lease.undo_dead(engine, chosen(engine, name)):
        reports.note("a save that died had left something behind: it is undone")
    made = plan_commit(look(engine, name, search=False), options, engine.images.inspect(options.tag))
    show(made)
    spec = _spec(engine, made, options)
    saved = carry(site, made, reports)
    if spec is not None:
        write(spec)
    return replace(saved, spec=spec)


def _spec(engine: Engine, made: CommitPlan, options: CommitOptions) -> SpecChange | None:
    """Return how the spec is to be: with all that was installed since its image was built."""
    if options.to_spec is None:
        return None
    refuse_stopped(made)
    whole, unknown = since_built(engine, made)
    change = spec_change(whole, options.to_spec, origins(engine, whole))
    return replace(change, warnings=(*unknown, *change.warnings))
