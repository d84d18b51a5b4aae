"""What `up` is asked to start: a spec's image, or an image."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from envkit import paths
from envkit.engines.base import Engine
from envkit.engines.values import OWNED, ImageFacts
from envkit.environment.site import Site
from envkit.errors import EnvkitError, UsageError
from envkit.plan.run_plan import RunImage

if TYPE_CHECKING:
    from envkit.image.proving import Reports

DEFAULT_SPEC = "envkit.yaml"  # design.md, section 7


def find_image(engine: Engine, target: str) -> RunImage:
    """Return the image that is meant; an error with the fix when the engine does not have it."""
    return _of_spec(engine, target) if is_spec(target) else _of_reference(engine, target)


def foretold(spec: str) -> RunImage:
    """Return as much of a spec's image as a plan asks of it, before it is built."""
    from envkit.plan.make import expected, own_labels  # heavy, and an image needs none of it
    from envkit.spec.load import load

    wanted = load(spec, paths.presets()).spec
    labels = {**own_labels(wanted), "io.envkit.expect": json.dumps(expected(wanted))}
    return RunImage(reference=f"{wanted.name}:dev", id="", labels=labels)


def build_image(site: Site, spec: str, reports: Reports) -> RunImage:
    """Return a spec's image, after building it if anything changed."""
    from envkit.image.build import BuildOptions, build  # heavy, as above
    from envkit.spec.load import load

    built = build(load(spec, paths.presets()), site.engine, site.host, BuildOptions(), reports)
    return _of_reference(site.engine, built.tag)


def named(target: str | None) -> str:
    """Return what is meant: what was said, or the folder's own spec."""
    if target is None and not Path(DEFAULT_SPEC).is_file():
        raise UsageError(
            f"nothing to start: there is no ./{DEFAULT_SPEC}", fix="envkit up SPEC, or envkit up IMAGE"
        )
    return target or DEFAULT_SPEC


def is_spec(target: str) -> bool:
    """Tell a spec (a preset, a file, a folder) from an image's name; what is on the disk wins."""
    return target.startswith("preset:") or target.endswith((".yaml", ".yml")) or Path(target).exists()


def _of_spec(engine: Engine, source: str) -> RunImage:
    from envkit.spec.load import load  # heavy, as above

    reference = f"{load(source, paths.presets()).spec.name}:dev"
    facts = engine.images.inspect(reference)
    if facts is None:
        raise EnvkitError(
            f"{source} is not built yet (there is no {reference})", fix=f"envkit build {source}"
        )
    return _image(reference, facts)


def _of_reference(engine: Engine, reference: str) -> RunImage:
    facts = engine.images.inspect(reference)
    if facts is not None:
        return _image(reference, facts)
    ours = engine.images.list({OWNED: "true", "io.envkit.kind": "image"})
    known = sorted({tag for image in ours for tag in image.tags})
    near = difflib.get_close_matches(reference, known, n=3)
    pulled = f"`envkit pull {reference}` fetches it, `envkit build` makes one from a spec"
    fix = f"did you mean {' or '.join(near)}?" if near else pulled
    raise UsageError(f"there is no image {reference!r} here", fix=fix)


def _image(reference: str, facts: ImageFacts) -> RunImage:
    return RunImage(reference=reference, id=facts.id, labels=facts.labels, architecture=facts.architecture)
