"""What envkit remembers of an environment, in its container's labels, and how a wish compares with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from envkit.plan import exposure, secret_plan
from envkit.plan.devices import DeviceWish, parse_device, settled
from envkit.plan.limits import parse_ulimit
from envkit.plan.mounts import parse_mount
from envkit.plan.run_plan import RunOptions, RunPlan, base_url, origin
from envkit.spec.reserved import OWNED


def _same(value: Any) -> Any:
    return value


# What stays as it is when it is not asked for: how to read it from the record.
_READ: Mapping[str, Callable[[Any], Any]] = {
    "home": _same,
    "cache": _same,
    "port": _same,
    "own_door_port": _same,
    "shm_mib": _same,
    "cpus": _same,
    "memory_mib": _same,
    "mounts": lambda texts: tuple(map(parse_mount, texts)),
    "idle_stop_s": _same,
    "own_cache": _same,
    "share": _same,
    "ulimits": lambda texts: tuple(map(parse_ulimit, texts)),
}
# What an environment had before the record told it.
_BEFORE: Mapping[str, Any] = {"device": "cpu", "mounts": [], "ulimits": [], "own_cache": False}


CARDS = "io.envkit.cards"  # the keys of the cards that a container has, or that a lease is for
_NAMES: Mapping[str, str] = {"idle_stop_s": "idle stop, in seconds"}


# What the wish and the machine decide, whatever the image is.
_OF_NO_IMAGE = ("user", "home", "cache", "port", "mounts", "cpus", "memory_mib", "shm_mib")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where an environment is not what was asked for."""

    what: str
    found: str
    asked: str


def labels(plan: RunPlan) -> dict[str, str]:
    """Return the labels: all that envkit remembers of an environment."""
    record = _record(plan)
    return {
        OWNED: "true",
        "io.envkit.kind": "environment",
        "io.envkit.environment": plan.name,
        "io.envkit.base-url": base_url(plan.name),
        "io.envkit.port": str(plan.port),
        "io.envkit.origin": origin(plan, plan.port),
        "io.envkit.run": json.dumps(record, sort_keys=True),
        "io.envkit.run-digest": digest(plan),
        "io.envkit.stop-grace": f"{plan.stop_grace_s:g}",
        **({CARDS: " ".join(plan.device.keys)} if plan.device.keys else {}),
        **secret_plan.label(plan.secrets),
    }


def digest(plan: RunPlan) -> str:
    """Return the key of what was asked; an image is known by its id, whatever it is called."""
    record = {key: value for key, value in _record(plan).items() if key != "image"}
    return "sha256:" + hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def kept_options(options: RunOptions, kept: Mapping[str, str]) -> RunOptions:
    """Fill what was not asked for with what the environment of these labels has."""
    record = {**_BEFORE, **_kept(kept)} if kept else {}
    device = settled(options.device, _device(record, kept)) if kept else options.device
    return replace(
        options,
        device=device,
        **{
            key: read(record[key])
            for key, read in _READ.items()
            if getattr(options, key) is None and key in record
        },
        exposure=options.exposure or exposure.recorded(record),
        secrets=secret_plan.of_labels(kept) if options.secrets is None else options.secrets,
    )


def differences(plan: RunPlan, kept: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return where the environment of these labels is not what the plan asks for.

    Of an image that is yet to be built, only what it does not decide is compared.
    """
    if kept.get("io.envkit.run-digest") == digest(plan):
        return ()
    found, asked = _kept(kept), _record(plan)
    return tuple(
        Difference(
            what=_NAMES.get(key, key.replace("_", " ")),
            found=_word(found.get(key, _BEFORE.get(key))),
            asked=_word(value),
        )
        for key, value in asked.items()
        if key != "image"
        and (plan.image_id or key in _OF_NO_IMAGE)
        and found.get(key, _BEFORE.get(key)) != value
        # The same cards may be counted otherwise since one was added, or died.
        and not (key == "device" and plan.device.keys and set(plan.device.keys) == set(_cards(kept)))
    )


def _record(plan: RunPlan) -> dict[str, Any]:
    return {
        "image": plan.image,
        "image_id": plan.image_id,
        "user": plan.caller.user,
        "groups": list(plan.groups),
        "home": plan.home,
        "cache": plan.cache,
        "port": plan.port,
        "own_door_port": plan.own_door_port,
        "shm_mib": plan.shm_mib,
        "services": list(plan.services),
        "env": dict(plan.env),
        "device": str(plan.device),
        "mounts": [str(mount) for mount in plan.mounts],
        "cpus": plan.cpus,
        "memory_mib": plan.memory_mib,
        "ulimits": [str(limit) for limit in plan.ulimits],
        "own_cache": plan.own_cache,
        **({"share": True} if plan.share else {}),
        # None, where there is none: environments of an older envkit have no such key.
        "secrets": [secret.name for secret in plan.secrets] or None,
        **exposure.record(plan.exposure),
        "idle_stop_s": plan.idle_stop_s and int(plan.idle_stop_s),
    }


def _kept(kept: Mapping[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(kept.get("io.envkit.run", "{}"))
    return record


def _cards(kept: Mapping[str, str]) -> list[str]:
    return kept.get(CARDS, "").split()


def _device(record: Mapping[str, Any], kept: Mapping[str, str]) -> DeviceWish:
    """Return the cards that a container has: by what they are known by, where that is more than a number."""
    recorded = parse_device(record["device"])
    uuids = tuple(key for key in _cards(kept) if not key.startswith("CARD-"))
    return replace(recorded, ids=None, uuids=uuids) if uuids else recorded


def _word(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    text = "none" if value is None else str(value)
    return text[:19] if text.startswith("sha256:") else text  # as many digits as `docker images` shows
