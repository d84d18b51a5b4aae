"""The run plan: what an environment's container will be, decided before any of it is made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from envkit.errors import PlanError, UsageError

DOOR = 8888  # design.md, section 4: the one door
OWN_DOOR = 8080  # design.md, section 4: the optional second door to code-server
SECRETS = "/run/secrets"  # design.md, section 4
HOME = "/work/home"
CACHE = "/work/cache"

# supervisord gives each service 8 s to end (templates/etc/supervisord.conf.j2); the rest is for itself.
STOP_GRACE_S = 15.0
# Half of the memory is what the kernel itself gives /dev/shm (tmpfs(5)): a limit, nothing is reserved.
# More than 64 GiB serves nobody: 8 ranks x 8 loader workers x 2 batches ahead x 512 MiB.
LARGEST_SHM_MIB = 64 * 1024

# The grammar of a spec's name (spec/fields.py): it goes into a container's name, a URL and a cookie's name.
_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_LONGEST_NAME = 63


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks: the files in /work/home will be theirs."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True, kw_only=True)
class RunImage:
    """The image that was asked for."""

    reference: str
    id: str
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What was asked for; None: decide."""

    name: str | None = None
    home: str | None = None
    cache: str | None = None
    port: int | None = None
    own_door_port: int | None = None
    shm_mib: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunHost:
    """What the host says: facts, as values."""

    memory_mib: int
    home: str
    cache: str
    free_ports: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """An environment, with every decision made."""

    name: str
    image: str
    image_id: str
    caller: Caller
    home: str
    cache: str
    port: int
    own_door_port: int | None
    shm_mib: int
    services: tuple[str, ...]
    groups: tuple[str, ...] = ("0",)  # the image's files are group 0's, so that any uid can run it
    env: Mapping[str, str] = field(default_factory=dict)
    stop_grace_s: float = STOP_GRACE_S


def plan_run(image: RunImage, options: RunOptions, host: RunHost, caller: Caller) -> RunPlan:
    """Decide everything about an environment; UsageError or PlanError when it cannot be."""
    expect = _expect(image)
    name = environment_name(image, options)
    home, cache = options.home or host.home, options.cache or host.cache
    _refuse_nested(home, cache)
    ports = _ports(options, host, own_door=bool(expect.get("own_door")))
    return RunPlan(
        name=name,
        image=image.reference,
        image_id=image.id,
        caller=caller,
        home=home,
        cache=cache,
        port=ports[0],
        own_door_port=ports[1],
        shm_mib=_shm_mib(options, host),
        services=tuple(expect.get("services", ())),
        env={"ENVKIT_BASE_URL": base_url(name), "ENVKIT_NAME": name},
    )


def environment_name(image: RunImage, options: RunOptions) -> str:
    """Return the environment's name: the one asked for, the spec's, or the image's last word."""
    name = options.name
    if name is None:
        last = image.reference.rpartition("/")[2].partition("@")[0].partition(":")[0]
        name = image.labels.get("io.envkit.name") or last
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be an environment's name",
            fix="give --name: lower-case letters and digits, with `.`, `_` or `-` between them, at most 63",
        )
    return name


def base_url(name: str) -> str:
    """Return the environment's own base URL: cookies of two environments must not meet."""
    return f"/env/{name}"


def container_name(name: str) -> str:
    """Return the container's name: also the lease on the environment's name, which the engine gives once."""
    return f"envkit-{name}"


def user(plan: RunPlan) -> str:
    """Return the run user as the engine takes it."""
    return f"{plan.caller.uid}:{plan.caller.gid}"


def _expect(image: RunImage) -> dict[str, Any]:
    text = image.labels.get("io.envkit.expect")
    if text is None:
        raise PlanError(
            f"{image.reference} holds no IDE of ours (it has no label io.envkit.expect)",
            fix=f"`envkit verify {image.reference}` says what it lacks; a spec with it as `base:` makes one",
        )
    expect: dict[str, Any] = json.loads(text)
    return expect


def _refuse_nested(home: str, cache: str) -> None:
    if PurePosixPath(home).is_relative_to(cache):
        raise UsageError(
            f"--home {home} lies in --cache {cache}, where what is not used is removed",
            fix="give two folders, of which the cache does not hold the home",
        )


def _ports(options: RunOptions, host: RunHost, *, own_door: bool) -> tuple[int, int | None]:
    free = iter(port for port in host.free_ports if port not in (options.port, options.own_door_port))
    try:
        door = options.port or next(free)
        return door, (options.own_door_port or next(free)) if own_door else None
    except StopIteration:
        raise PlanError("no port is free on this machine", fix="give one: --port N") from None


def _shm_mib(options: RunOptions, host: RunHost) -> int:
    if options.shm_mib is None:
        return min(host.memory_mib // 2, LARGEST_SHM_MIB)
    if options.shm_mib > host.memory_mib:
        raise UsageError(
            f"--shm asks for {options.shm_mib} MiB, the machine has {host.memory_mib} MiB of memory",
            fix=f"ask for at most {host.memory_mib}m",
        )
    return options.shm_mib
