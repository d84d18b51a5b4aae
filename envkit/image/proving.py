"""Prove a built image, and put manifest and verdict into its thin last layer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from envkit.accelerators import ACCELERATORS, needs
from envkit.engines.base import Engine
from envkit.engines.values import BuildEvent, BuildRequest, short_id
from envkit.errors import VerifyError
from envkit.image import manifest as manifests
from envkit.image import variables as own_variables
from envkit.image import verdict as verdicts
from envkit.image.emulation import platform_of
from envkit.image.for_now import UNVERIFIED, name_for_now, named_for_now
from envkit.image.inventory import collect
from envkit.image.verdict import Item, Verdict
from envkit.image.verify import verify
from envkit.plan.build_plan import BuildPlan
from envkit.scratch import Scratch

VERIFIED_IMAGE = "io.envkit.verified-image"


@dataclass(frozen=True, kw_only=True)
class Reports:
    """Where a build tells what it does."""

    note: Callable[[str], None]
    event: Callable[[BuildEvent], None]
    item: Callable[[Item], None]


def prove(image_id: str, plan: BuildPlan, engine: Engine, reports: Reports, *, verified: bool) -> str:
    """Return the id of the image with its manifest, and its verdict; VerifyError when it does not work.

    It has a name for now, until `forget_names`: it is never nobody's.
    """
    if ACCELERATORS[plan.accelerator].base_has_variables:
        image_id = _with_variables(image_id, plan.name, engine, reports)
    return prove_as(plan.name, image_id, engine, reports, verified=verified)


def prove_as(name: str, image_id: str, engine: Engine, reports: Reports, *, verified: bool = True) -> str:
    """Do the same for an image without a plan; `name` is a word for the name that it has for a while."""
    reports.note("looking at what the image holds")
    manifest = collect(engine, image_id)
    files = {"manifest.json": manifests.to_json(manifest)}
    labels = {manifests.LABEL: manifests.to_label(manifest)}
    if verified:
        reports.note("proving that it works")
        verdict = verify(engine, image_id, reports.item)
        if not verdict.passed:
            reasons = {item.id: item.reason for item in reversed(verdict.failed)}
            failed = [f"\n    no: {name}: {reason}" for name, reason in reversed(reasons.items())]
            raise VerifyError(
                f"the image does not work{''.join(failed) or ': nothing could be tried'}",
                fix=f"nothing was tagged; `envkit verify {short_id(image_id)}` shows it again",
            )
        files["verdict.json"] = verdicts.to_json(verdict)
        labels |= {verdicts.LABEL: verdicts.to_label(verdict), VERIFIED_IMAGE: image_id}
        labels |= _needs(engine, image_id, verdict)
    with named_for_now(engine, image_id, name) as named:
        return _last_layer(named, files, labels, engine, reports)


def _needs(engine: Engine, image_id: str, verdict: Verdict) -> dict[str, str]:
    """Return the label of the image's needs as its torch has them: what a table said was for planning."""
    image = engine.images.inspect(image_id)
    planned = needs.from_label(image.labels.get(needs.LABEL, "")) if image else None
    if planned is None or verdict.code is None:
        return {}
    return {needs.LABEL: needs.to_label(ACCELERATORS[planned.accelerator].as_built(planned, verdict.code))}


def _with_variables(image_id: str, name: str, engine: Engine, reports: Reports) -> str:
    """Give the image what its base's own scripts set: known only now, and it must be there for the proof."""
    found = own_variables.found_in(engine, image_id)
    if not found:
        return image_id
    reports.note(f"{len(found)} variables of the base's own scripts become the image's")
    with named_for_now(engine, image_id, name) as named, Scratch("variables") as scratch:
        folder = scratch / "context"
        folder.mkdir()
        lines = f"FROM {named}\n{own_variables.instruction(found)}\n"
        (folder / "Dockerfile").write_text(lines, encoding="utf-8")
        request = BuildRequest(context=folder, platform=platform_of(engine, image_id))
        return engine.builder.build(request, reports.event)


def _last_layer(
    name: str, files: dict[str, str], labels: dict[str, str], engine: Engine, reports: Reports
) -> str:
    with Scratch("proof") as scratch:
        folder = scratch / "context"
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
            (folder / file).chmod(0o644)
        lines = [f"FROM {name}", f"COPY {json.dumps([*files, '/opt/envkit/'])}"]
        (folder / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
        called = name_for_now(name.removeprefix(f"{UNVERIFIED}/").partition(":")[0], "proven")
        request = BuildRequest(context=folder, name=called, labels=labels, platform=platform_of(engine, name))
        return engine.builder.build(request, reports.event)
