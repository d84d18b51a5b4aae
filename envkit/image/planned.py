"""Gather the facts of this machine and make a spec's plan with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from envkit import context
from envkit.accelerators.fit import Misfit
from envkit.engines.base import Engine
from envkit.errors import EnvkitError, UsageError
from envkit.hosts.base import Host, Remote
from envkit.image import inputs as spec_inputs
from envkit.image.base import describe_base, name_of_base
from envkit.image.emulation import emulates
from envkit.image.network import environment_of, read_network
from envkit.image.reach import places, reach, reach_from
from envkit.plan import bases
from envkit.plan.build_plan import BuildPlan
from envkit.plan.facts import BuildFacts, ContextFile, Inputs
from envkit.plan.make import base_reference, make
from envkit.plan.network import Network, for_base, local_folders, without_local_folders
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
    host: Host | None = None  # where the build runs; None: nobody asked a machine


def prepare(
    loaded: LoadedSpec, engine: Engine | None, host: Host, environment: Mapping[str, str] | None = None
) -> Known:
    """Return what can be known at once: the engine's facts, the base's id, the machine's wheels.

    The network is that of the machine where the build runs: a host's own, for its engine.
    """
    network = read_network(host, environment_of(host) if environment is None else environment)
    if isinstance(host, Remote):
        network = without_local_folders(network)  # what lies there cannot travel in a context made here
    wheels = tuple(
        file.name.removeprefix("wheels/") for file in spec_inputs.wheels_in(local_folders(network))
    )
    facts = BuildFacts(wheels=wheels)
    if engine is not None:
        facts = _with_engine(loaded, engine, facts)
    return Known(facts=facts, network=network, inputs=spec_inputs.read_inputs(loaded), host=host)


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
            asked = places(plan, plan.needs.machine, known.network.mirrors)
            there = known.host if isinstance(known.host, Remote) else None
            found = reach_from(there, asked, known.network) if there else reach(asked, known.network)
            facts = replace(facts, reachable=found)
            plan = make(loaded.spec, facts, known.inputs, shipped.digest)
    except Misfit as misfit:
        raise told(loaded, misfit) from misfit
    return plan, facts


def base_of(loaded: LoadedSpec, engine: Engine) -> str:
    """Return the base image that a spec means; a SpecError at its line when nothing fits."""
    try:
        return base_reference(loaded.spec, engine.facts().architecture)
    except Misfit as misfit:
        raise told(loaded, misfit) from misfit


def told(loaded: LoadedSpec, misfit: Misfit) -> EnvkitError:
    """Return the error of a misfit: at its line, or of the option where the command line gave the target."""
    if misfit.key.startswith("target.") and loaded.place(misfit.key) is None:
        return UsageError(f"--target {misfit.key.removeprefix('target.')}: {misfit.what}", fix=misfit.fix)
    return loaded.error(misfit.key, misfit.what, fix=misfit.fix)


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
    machine = loaded.spec.target.machine or about.architecture
    reference = base_of(loaded, engine)
    called = name_of_base(reference, engine, machine)
    image = engine.images.inspect(called)
    unnamed = bases.know(reference, loaded.spec.os, None) is None
    return replace(
        facts,
        architecture=about.architecture,
        engine_makes=about.architecture,
        emulates=bool(engine.builder.client and machine != about.architecture and emulates(engine, machine)),
        foreign_bases=(reference,) if machine != about.architecture and called == reference else (),
        builder="buildkit" if engine.builder.client else "classic",
        base_id=image.id if image else "",
        base=describe_base(engine, called) if image and unnamed else None,
    )
