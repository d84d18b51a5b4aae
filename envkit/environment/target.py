"""What `up` is asked to start: a spec's image, or an image."""

from __future__ import annotations

import difflib

from envkit.engines.base import OWNED, Engine
from envkit.errors import UsageError
from envkit.plan.run_plan import RunImage


def find_image(engine: Engine, target: str | None) -> RunImage:
    """Return the image of that name; UsageError with near names when the engine has none."""
    reference = target or "cpu:dev"
    facts = engine.images.inspect(reference)
    if facts is not None:
        return RunImage(reference=reference, id=facts.id, labels=facts.labels)
    ours = engine.images.list({OWNED: "true", "io.envkit.kind": "image"})
    known = sorted({tag for image in ours for tag in image.tags})
    near = difflib.get_close_matches(reference, known, n=3)
    fix = f"did you mean {' or '.join(near)}?" if near else "`envkit build` makes one from a spec"
    raise UsageError(f"there is no image {reference!r} here", fix=fix)
