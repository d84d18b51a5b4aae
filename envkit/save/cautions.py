"""What a save says before it begins: what is in doubt, what stays out, what others will refuse. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from envkit.engines.values import ImageFacts, short_id
from envkit.image import platforms
from envkit.save import depth
from envkit.save.findings import shown
from envkit.save.layers import CAP_BYTES
from envkit.save.sight import Path, Sight
from envkit.words import listed

_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class CommitOptions:
    """What is asked for."""

    tag: str
    scrub: bool = False
    squash: bool = False
    to_spec: str | None = None  # the spec that gets what was installed
    allow: tuple[str, ...] = ()  # files and folders whose secrets are none, as the user says
    deep: bool | None = None  # search the lower layers, too; None: where that can find something, and is near


def deep(sight: Sight, options: CommitOptions) -> bool:
    """Tell whether the lower layers are searched: that takes a minute for 2 GB on a busy machine."""
    if options.deep is not None:
        return options.deep
    return sight.engine_is_here and sight.was_handed_secrets


def cautions(
    sight: Sight, options: CommitOptions, kept: tuple[Path, ...], present: ImageFacts | None
) -> Iterator[str]:
    """Yield what speaks for caution, before anything is done; `kept` is saved, `present` has the tag now."""
    yield from _state(sight)
    yield from filter(None, (depth.caution(sight, squash=options.squash),))
    yield from _files(sight, kept)
    yield from _search(sight, options)
    if present:
        yield (
            f"{options.tag} is there already (envkit's, {short_id(present.id)}): "
            "the name moves to the new one"
        )


def _state(sight: Sight) -> Iterator[str]:
    if sight.unseen:
        yield (
            f"{sight.unseen}: sizes, packages, secrets and what was installed into its mounts cannot be "
            f"looked at before; `envkit start {sight.environment}` first, and they can"
        )
    if sight.busy:
        yield f"it is installing something now, and cannot be saved meanwhile: {', '.join(sight.busy)}"
    if sight.stuck:
        yield (
            f"in an uninterruptible wait, so that the engine may fail to pause it: {', '.join(sight.stuck)}"
        )


def _files(sight: Sight, kept: tuple[Path, ...]) -> Iterator[str]:
    large = [one for one in kept if (one.size_bytes or 0) > CAP_BYTES]
    if large:
        told = listed([f"{shown(one.path)} ({(one.size_bytes or 0) / 1e9:.1f} GB)" for one in large], _NAMED)
        yield (
            f"{told}: a file is in one layer, and registries with a limit of {CAP_BYTES / 1e9:g} GB a layer "
            f"would refuse it ({', '.join(platforms.with_largest_layer(CAP_BYTES))}): keep it in a mount"
        )
    lost = [f"{shown(one.path)} ({one.why})" for one in sight.unkept if not one.hides]
    if lost:
        yield f"no layer can hold it, so it is not saved: {listed(lost, _NAMED)}"
    hiding = [shown(one.path) for one in sight.unkept if one.hides]
    if hiding:
        yield f"in a layer its name deletes another file, so the save refuses it: {listed(hiding, _NAMED)}"


def _search(sight: Sight, options: CommitOptions) -> Iterator[str]:
    quiet = sorted({one.name for one in sight.values if not one.is_telling})
    if quiet:
        told = listed(quiet, _NAMED)
        yield f"too short or too common to be searched for, wherever it stands: the value of {told}"
    if sight.unread:
        told = listed([str(one) for one in sight.unread], _NAMED)
        yield f"{len(sight.unread)} not searched for secrets, or not to the end: {told}"
    if not deep(sight, options):
        why = "" if sight.was_handed_secrets else ", as none was handed to this environment"
        yield f"the layers of its image are not searched for secrets{why}: --deep does it"
