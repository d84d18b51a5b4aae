"""Take stock of an image: run the manifest's probe in it, and ask the engine for the rest."""

from __future__ import annotations

from dataclasses import replace

from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.values import ImageFacts, RunRequest
from envkit.errors import EngineError, UsageError
from envkit.image import expectation, probe, verdict
from envkit.image.evidence import Facts
from envkit.image.manifest import LABEL, Manifest, Step, from_facts, from_label
from envkit.image.verdict import LABEL as VERDICT
from envkit.image.verdict import Verdict

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"


def collect(engine: Engine, image: str) -> Manifest:
    """Say what an image really holds; packages stay unknown where it has no Python."""
    facts = find(engine, image)
    return _manifest(engine, facts, _probe(engine, facts))


def collect_in(engine: Engine, container: str, image: ImageFacts) -> Manifest:
    """Say what a running container of an image holds now, without writing into it; its mounts are no part."""
    expect = expectation.of_image(image)
    plan = {"python": expect.python_path if expect else "", "running": True}
    found = probe.ask_by_word(engine, container, "verify_manifest", plan)
    if found.error:
        raise EngineError(
            f"the packages in it cannot be listed: {found.error}", fix="see the container's log"
        )
    manifest = _manifest(engine, image, found)
    return replace(manifest, glibc_floor=manifest_of(engine, image.id).glibc_floor)


def _manifest(engine: Engine, facts: ImageFacts, found: Facts) -> Manifest:
    record = found.part("extensions_record")
    known = found.part("os")
    stock = {
        **found.values,
        "image": facts.id,
        "base": facts.labels.get(BASE_NAME, ""),
        "base_digest": facts.labels.get(BASE_DIGEST) or _digest(engine, facts.labels.get(BASE_NAME)),
        "os": known.text("pretty_name") or known.text("id"),
        "architecture": facts.architecture,
        "size_bytes": facts.size_bytes,
        "env": dict(facts.env),
        "missing_extensions": {row.text("id"): row.text("reason") for row in record.rows("missing")},
        "steps": [{"what": step.what, "size_bytes": step.size_bytes} for step in steps(engine, facts.id)],
    }
    return from_facts(Facts(stock))


def manifest_of(engine: Engine, image: str) -> Manifest:
    """Return the manifest that an image carries; one of an image without is taken anew."""
    facts = find(engine, image)
    label = facts.labels.get(LABEL)
    if label is None:
        return collect(engine, image)
    try:
        return from_label(label)
    except ValueError as error:
        raise EngineError(f"{image}: its label {LABEL} is damaged: {error}", fix="build it anew") from error


def verdict_of(engine: Engine, image: str) -> Verdict | None:
    """Return the verdict that an image carries; None for one that was never verified."""
    label = find(engine, image).labels.get(VERDICT)
    try:
        return verdict.from_label(label) if label is not None else None
    except ValueError as error:
        raise EngineError(f"{image}: its label {VERDICT} is damaged: {error}", fix="build it anew") from error


def find(engine: Engine, image: str) -> ImageFacts:
    """Return the image; an error with its fix when the engine has none of that name."""
    facts = engine.images.inspect(image)
    if facts is None:
        raise UsageError(f"there is no image {image!r} here", fix="pull it, or make one: `envkit build SPEC`")
    return facts


def steps(engine: Engine, image: str) -> tuple[Step, ...]:
    """Return the image's steps, the oldest first; those that added nothing are left out."""
    layers = engine.images.history(image)
    return tuple(
        Step(what=layer.created_by, size_bytes=layer.size_bytes) for layer in layers if layer.size_bytes
    )


def _digest(engine: Engine, base: str | None) -> str:
    facts = engine.images.inspect(base) if base else None
    if facts is None:
        return ""
    return facts.digests[0].partition("@")[2] if facts.digests else facts.id


def _probe(engine: Engine, facts: ImageFacts) -> Facts:
    expect = expectation.of_image(facts)
    request = RunRequest(image=facts.id, entrypoint=("sleep",), command=("3600",), user="0:0")
    with running(engine, request) as container:
        place = probe.enter(engine, container)
        if not place.prober:
            return Facts()
        plan = {"python": expect.python_path if expect else ""}
        return probe.ask(place, "manifest", plan)
