"""The variables that a base's own scripts set: found by the image's build, then made the image's own."""

from __future__ import annotations

import json
import re

from envkit.container.temporary import running
from envkit.engines.base import Engine
from envkit.engines.values import RunRequest
from envkit.errors import EngineError
from envkit.render import env_value

# Where probes/vendor_variables.py writes them down.
PLACE = "/opt/envkit/etc/variables.json"


def found_in(engine: Engine, image_id: str) -> dict[str, str]:
    """Return what the image's build found out; nothing where the user's own template has no such step."""
    request = RunRequest(image=image_id, entrypoint=("sleep",), command=("3600",), user="0:0", network="none")
    with running(engine, request) as container:
        content = engine.inside.get(container, PLACE)
    if content is None:
        return {}
    try:
        told = json.loads(content)
        return {str(name): str(value) for name, value in told.items() if re.fullmatch(r"[A-Za-z_]\w*", name)}
    except (ValueError, AttributeError) as error:
        raise EngineError(
            f"the image does not tell its variables: {PLACE} holds {content[:80]!r}",
            fix="look at the template's step that writes it",
        ) from error


def adding(image: str) -> str:
    """Return the command that gives them to an image which somebody built by hand."""
    by_hand = PLACE.replace(".json", ".Dockerfile")  # the same probe writes it
    return f"docker run --rm {image} cat {by_hand} | docker build --build-arg IMAGE={image} -t {image} -"


def instruction(variables: dict[str, str]) -> str:
    """Return the ENV instruction that gives the variables to every process of the image."""
    words = (f"{name}={env_value(value)}" for name, value in sorted(variables.items()))
    return "ENV " + " \\\n    ".join(words)
