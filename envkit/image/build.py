"""Build an image: plan, build without a tag, verify, add manifest and verdict, and only then tag."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from envkit import context
from envkit.accelerators import ACCELERATORS
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, BuildRequest, ImageFacts
from envkit.errors import EngineError
from envkit.hosts.base import Host
from envkit.image import emulation
from envkit.image import verdict as verdicts
from envkit.image.base import check_free_disk, find_base
from envkit.image.for_now import forget_names
from envkit.image.planned import Known, Planned, base_of, decide, plan_spec, prepare
from envkit.image.proving import Reports, prove
from envkit.image.verdict import Verdict
from envkit.plan.build_plan import BuildPlan
from envkit.plan.kept import Kept
from envkit.plan.network import Network, script
from envkit.scratch import Scratch
from envkit.spec.load import LoadedSpec


class Make(Protocol):
    """Carries a plan out."""

    def __call__(self, planned: Planned, engine: Engine, options: BuildOptions, reports: Reports) -> str:
        """Return the id of an image without a name."""


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """How to build."""

    tag: str | None = None  # None: NAME:dev
    no_cache: bool = False
    cache: str = "envkit"  # the name of the caches that builds share
    verified: bool = True
    kept: Kept | None = None  # of an image that is adopted
    make: Make | None = None  # who carries a plan out; None: the engine's builder


@dataclass(frozen=True, kw_only=True)
class Built:
    """What came of a build."""

    tag: str
    image_id: str
    unchanged: bool
    seconds: float
    size_bytes: int
    verdict: Verdict | None


def plan_build(loaded: LoadedSpec, engine: Engine, host: Host, options: BuildOptions) -> Planned:
    """Return the plan that `build` carries out, with what can be reached from here."""
    planned = _plan(loaded, _known(loaded, engine, host, options), options)
    engine.images.inspect(planned.plan.tag)  # what is no image's name is refused now, as the build would
    return planned


def build(loaded: LoadedSpec, engine: Engine, host: Host, options: BuildOptions, reports: Reports) -> Built:
    """Build a spec's image and prove it. Nothing changed: nothing is built. A failure leaves no tag."""
    started = time.monotonic()
    _machine(loaded, engine, reports)
    find_base(base_of(loaded, engine), engine, host, reports.note, loaded.spec.target.machine or "")
    known = _known(loaded, engine, host, options)
    wanted = decide(loaded, known)
    tag = options.tag or wanted.tag
    present = engine.images.inspect(tag)
    if present and not options.no_cache and _is_same(present, wanted, options):
        return _result(present, tag, started, unchanged=True)
    planned = _plan(loaded, known, options)
    _may_start(loaded, planned, engine, host, reports)
    image_id = (options.make or build_untagged)(planned, engine, options, reports)
    final = prove(image_id, planned.plan, engine, reports, verified=options.verified)
    try:
        engine.images.tag(final, planned.plan.tag)
    finally:
        forget_names(engine, final)
    made = engine.images.inspect(planned.plan.tag)
    if made is None:
        raise EngineError(f"{planned.plan.tag} was built and is gone", fix="run the command again")
    return _result(made, planned.plan.tag, started, unchanged=False)


def _known(loaded: LoadedSpec, engine: Engine, host: Host, options: BuildOptions) -> Known:
    known = prepare(loaded, engine, host)
    return replace(known, facts=replace(known.facts, cache=options.cache, kept=options.kept))


def _plan(loaded: LoadedSpec, known: Known, options: BuildOptions) -> Planned:
    planned = plan_spec(loaded, known, look_outside=True)
    return replace(planned, plan=replace(planned.plan, tag=options.tag or planned.plan.tag))


def _may_start(loaded: LoadedSpec, planned: Planned, engine: Engine, host: Host, reports: Reports) -> None:
    """Say what speaks against the build before any work is done."""
    plan = planned.plan
    if plan.blocked:
        fix = "put the wheel into a folder and name it under `pip: {wheels: …}`, or set pip's `find-links`"
        raise loaded.error("torch", plan.blocked, fix=fix)
    for warning in plan.warnings:
        reports.note(f"warning: {warning}")
    check_free_disk(host, engine.facts(), ACCELERATORS[plan.accelerator].build_bytes)
    find_base(plan.tools.base, engine, host, reports.note, plan.needs.machine)


def _machine(loaded: LoadedSpec, engine: Engine, reports: Reports) -> None:
    """Say when the image is for another machine than the engine's; HostError when it cannot be made here."""
    what, machine = f"the image of {loaded.spec.name}", loaded.spec.target.machine or ""
    for warning in emulation.warned(engine, what, machine):
        reports.note(f"warning: {warning}")


def _is_same(present: ImageFacts, plan: BuildPlan, options: BuildOptions) -> bool:
    """Tell whether the image is the plan's, and was proven if that is asked."""
    labels = present.labels
    proven = not options.verified or verdicts.LABEL in labels
    return proven and labels.get(OWNED) == "true" and labels.get("io.envkit.plan-digest") == plan.digest


def _result(facts: ImageFacts, tag: str, started: float, *, unchanged: bool) -> Built:
    label = facts.labels.get(verdicts.LABEL)
    return Built(
        tag=tag,
        image_id=facts.id,
        unchanged=unchanged,
        seconds=time.monotonic() - started,
        size_bytes=facts.size_bytes,
        verdict=verdicts.from_label(label) if label else None,
    )


def build_untagged(
    planned: Planned, engine: Engine, options: BuildOptions, reports: Reports, *, target: str | None = None
) -> str:
    """Build the image, or a stage of it, with this machine's network at hand; return its id."""
    with Scratch("build") as scratch:
        folder, secret = scratch / "context", scratch / "net"
        folder.mkdir()
        context.write(planned.files, folder)
        secret.touch(mode=0o600)
        secret.write_text(script(planned.network), encoding="utf-8")
        secrets = {"envkit-net": secret}
        if planned.plan.builder == "classic":
            _into_context(planned.network, folder, secret)
            secrets = {}
        request = BuildRequest(
            context=folder,
            secrets=secrets,
            build_args=dict(planned.network.proxies),
            no_cache=options.no_cache,
            target=target,
            platform=emulation.platform(engine, planned.plan.needs.machine),
        )
        return engine.builder.build(request, reports.event)


def _into_context(network: Network, folder: Path, secret: Path) -> None:
    """Hand the network's configuration to a builder without mounts: it lies in a stage that is not kept."""
    if network.has_credentials:
        raise EngineError(
            "this machine's network configuration holds credentials: the classic builder would keep them",
            fix="install a docker client that speaks BuildKit (Debian's docker.io, or docker with buildx)",
        )
    (folder / "net").mkdir(exist_ok=True)
    (folder / "net" / "envkit-net").write_bytes(secret.read_bytes())
