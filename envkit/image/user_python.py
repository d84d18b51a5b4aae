"""Which Python of a running container is the user's."""

from __future__ import annotations

from envkit.engines.base import Engine
from envkit.engines.values import ExecRequest, ImageFacts
from envkit.errors import EngineError, RunError
from envkit.image.expectation import EXPECT, of_image

_PASSES = "envkit-passes-on"
_LOOK = 'for name in "$@"; do command -v "$name" && exit; done'


def python_of(engine: Engine, container: str, image: ImageFacts | None, asked: str | None) -> tuple[str, ...]:
    """Return the words that run the user's Python: the one asked for, the image's, or the PATH's."""
    expect = of_image(image) if image else None
    if asked or (expect and expect.python_path):
        return (asked or (expect.python_path if expect else ""),)
    look = ExecRequest(command=("sh", "-c", _LOOK, "sh", "python", "python3"))
    found = engine.inside.execute(container, look).stdout.decode("utf-8", "replace").strip()
    if not found:
        raise RunError("there is no Python in it", fix="name one: --python /path/to/python")
    return (*_entrypoint(engine, container, image), found)


def _entrypoint(engine: Engine, container: str, image: ImageFacts | None) -> tuple[str, ...]:
    """Return somebody else's entrypoint when it passes commands on: some set a card's variables there.

    CANN's own images do (facts A2.3).
    """
    if image is None or not image.entrypoint or EXPECT in image.labels:
        return ()
    ask = ExecRequest(command=(*image.entrypoint, "sh", "-c", f"echo {_PASSES}"), timeout_s=20)
    try:
        said = engine.inside.execute(container, ask).stdout.decode("utf-8", "replace")
    except EngineError:
        return ()
    return image.entrypoint if _PASSES in said.splitlines() else ()
