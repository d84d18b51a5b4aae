"""Gather the facts of this machine and make a spec's plan with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from envkit import context
from envkit.accelerators.base import Misfit
from envkit.engines.base import Engine
from envkit.hosts.base import Host
from envkit.image import inputs as spec_inputs
from envkit.image.base import describe_base
from envkit.image.network import read_network
from envkit.image.reach import places, reach
from envkit.plan import bases
from envkit.plan.build_plan import BuildPlan
from envkit.plan.facts import BuildFacts, ContextFile, Inputs
from envkit.plan.make import base_reference, make
from envkit.plan.network import Network, for_base, local_folders
from envkit.spec.load import LoadedSpec


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, with what is needed to carry it out."""

    plan: BuildPlan
    facts: BuildFacts
    files: tuple[ContextFile, ...]
    network: Network


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known before planning."""

    facts: BuildFacts
    network: Network
    inputs: Inputs


def prepare(
    loaded: LoadedSpec, engine: Engine | None, host: Host, environment: Mapping[str, str] = os.environ
) -> Known:
    """Return what can be known at once: the engine's facts, the base's id, this machine's wheels."""
    network = read_network(host, environment)
    wheels = tuple(
        file.name.removeprefix("wheels/") for file in spec_inputs.wheels_in(local_folders(network))
    )
    facts = BuildFacts(wheels=wheels)
    if engine is not None:
        facts = _with_engine(loaded, engine, facts)
    return Known(facts=facts, network=network, inputs=spec_inputs.read_inputs(loaded))


def decide(loaded: LoadedSpec, known: Known) -> BuildPlan:
    """Make the plan as far as its digest needs it: no place is tried, and no file rendered."""
    return _make(loaded, known, _shipped(loaded, known), look_outside=False)[0]


def plan_spec(loaded: LoadedSpec, known: Known, *, look_outside: bool) -> Planned:
    """Make the plan; what does not fit is a SpecError at its line.

    With `look_outside` the places that the plan depends on are tried first; without, they count as not tried.
    """
    shipped = _shipped(loaded, known)
    plan, facts = _make(loaded, known, shipped, look_outside=look_outside)
    return Planned(
        plan=plan,
        facts=facts,
        files=_with_wheels(context.files_of(plan, shipped), plan, known.network),
        network=for_base(known.network, plan.base.distribution),
    )


def _shipped(loaded: LoadedSpec, known: Known) -> context.Shipped:
    return context.load_shipped(spec_inputs.template_of(loaded, known.inputs))


def _make(
    loaded: LoadedSpec, known: Known, shipped: context.Shipped, *, look_outside: bool
) -> tuple[BuildPlan, BuildFacts]:
    facts = known.facts
    try:
        plan = make(loaded.spec, facts, known.inputs, shipped.digest)
        if look_outside:
            asked = places(plan, facts.architecture, known.network.mirrors)
            facts = replace(facts, reachable=reach(asked, known.network))
            plan = make(loaded.spec, facts, known.inputs, shipped.digest)
    except Misfit as misfit:
        raise loaded.error(misfit.key, misfit.what, fix=misfit.fix) from misfit
    return plan, facts


def _with_wheels(
    files: tuple[ContextFile, ...], plan: BuildPlan, network: Network
) -> tuple[ContextFile, ...]:
    """Add the wheels of this machine's pip where the plan uses them; the spec's own win."""
    if not plan.wheels:
        return files
    named = {file.name: file for file in (*spec_inputs.wheels_in(local_folders(network)), *files)}
    return tuple(named[name] for name in sorted(named))


def _with_engine(loaded: LoadedSpec, engine: Engine, facts: BuildFacts) -> BuildFacts:
    about = engine.facts()
    reference = base_reference(loaded.spec)
    image = engine.images.inspect(reference)
    unnamed = bases.know(reference, loaded.spec.os, None) is None
    return replace(
        facts,
        architecture=about.architecture,
        builder="buildkit" if about.buildkit else "classic",
        base_id=image.id if image else "",
        base=describe_base(engine, reference) if image and unnamed else None,
    )
