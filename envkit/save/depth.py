"""How many layers an image may have, and what a save does near that limit. Pure."""

from __future__ import annotations

from typing import Literal

from envkit.errors import EnvkitError
from envkit.save.layers import CAP_BYTES
from envkit.save.sight import Sight

# moby's daemon/internal/layer/layer_store.go: maxLayerDepth, for overlay2's 128 lower folders; tried: one
# more cannot be saved (125 are there).
MOST_LAYERS = 125
_MANY_LAYERS = 100  # a save adds two or three: what remains is a dozen saves

Way = Literal["add", "squash", "flatten"]


def way(sight: Sight, *, squash: bool) -> Way:
    """Decide what a save's layers lie on: all of its image's, those that were built, or nothing.

    EnvkitError when the engine could not take what came of it: before anything is done.
    """
    layers, own = sight.image.layers, _own(sight)
    if layers >= MOST_LAYERS:
        raise EnvkitError(
            f"its image has {layers} layers, and the engine cannot copy a container of one that has "
            f"{MOST_LAYERS}",
            fix=f"`docker export {sight.container.name} | docker import - NAME`, then `envkit adopt NAME`",
        )
    if (
        sight.saves
        and (squash or layers + own >= MOST_LAYERS)
        and sight.saves[-1].layers + own <= MOST_LAYERS
    ):
        return "squash"
    if layers + own <= MOST_LAYERS:
        return "add"
    if squash:
        return "flatten"
    raise EnvkitError(
        f"its image has {layers} layers, this save adds {own}, and no engine takes more than {MOST_LAYERS}",
        fix="--squash makes one layer of all of it, which shares nothing with its image",
    )


def caution(sight: Sight, *, squash: bool) -> str:
    """Return what is to be said of it; "" when there is nothing."""
    layers, found = sight.image.layers, way(sight, squash=squash)
    if found == "flatten":
        return (
            f"its image has {layers} layers of at most {MOST_LAYERS}, none of an earlier save: all become one"
        )
    if squash and found == "add":
        return (
            "its image has no earlier save: --squash changes nothing, unless a layer beneath holds a secret"
        )
    if found == "squash" and not squash:
        return (
            f"its image has {layers} layers, and no engine takes more than {MOST_LAYERS}: "
            "the earlier saves become one layer"
        )
    if found == "add" and layers >= _MANY_LAYERS:
        more = "the earlier saves" if sight.saves else "all of them"
        return f"its image has {layers} layers of at most {MOST_LAYERS}: near that, --squash makes {more} one"
    return ""


def _own(sight: Sight) -> int:
    """Return how many layers a save adds: what was changed, in pieces that registries take, and the proof."""
    return max(1, -(-sight.written_bytes // CAP_BYTES)) + 1
