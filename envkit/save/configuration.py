"""What a saved image is set to: as the one that it came from, with what the user added, nothing of `up`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from envkit.image import manifest, proving, verdict
from envkit.save import lineage

# What `up` tells a container (container/create.py): of no use in an image.
_OF_UP = ("ENVKIT_",)
_OF_UP_TOO = frozenset(("JUPYTER_RUNTIME_DIR", "HOSTNAME"))
# What was true of the image before: the proof writes its own, and `build` must not take it for the plan's.
_OUTDATED = (
    "io.envkit.plan-digest",
    manifest.LABEL,
    verdict.LABEL,
    proving.VERIFIED_IMAGE,
    lineage.LABEL,
)


def added_variables(image: Mapping[str, str], container: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the container has beyond its image, but those that `up` set."""
    return {
        name: value
        for name, value in container.items()
        if image.get(name) != value and not name.startswith(_OF_UP) and name not in _OF_UP_TOO
    }


def configuration(
    image: Mapping[str, Any], added: Mapping[str, str], labels: Mapping[str, str], unset: Collection[str]
) -> dict[str, Any]:
    """Return the new image's config: entrypoint, command, user, health and all else as they were."""
    env = {**variables(image), **added}
    old = {name: value for name, value in (image.get("Labels") or {}).items() if name not in _OUTDATED}
    return {
        **image,
        "Env": [f"{name}={value}" for name, value in env.items() if name not in unset],
        "Labels": {**old, **labels},
    }


def variables(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of an image's or a container's config."""
    return dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
