"""The run plan: what an environment's container will be, decided before any of it is made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Seen, Wiring
from envkit.errors import PlanError, UsageError
from envkit.plan import emulation, limits
from envkit.plan.devices import DeviceWish, decide
from envkit.plan.exposure import Exposure, public_name
from envkit.plan.exposure import origin as origin_of
from envkit.plan.fitness import refuse_unfit
from envkit.plan.limits import Ulimit
from envkit.plan.mounts import FolderMount, refuse_clashes
from envkit.plan.secret_plan import SecretPlan, of_image, together

DOOR = 8888  # design.md, section 4: the one door
OWN_DOOR = 8080  # design.md, section 4: the optional second door to code-server
SECRETS = "/run/secrets"  # design.md, section 4
LOOPBACK = "127.0.0.1"
# Which image waits for secrets and speaks TLS at its doors (plan/make.py says what each number holds).
_WAITING_CONTRACT = 2
HOME = "/work/home"
CACHE = "/work/cache"

# supervisord gives each service 8 s to end (templates/etc/supervisord.conf.j2); the rest is for itself.
STOP_GRACE_S = 15.0

# The grammar of a spec's name (spec/fields.py): it goes into a container's name, a URL and a cookie's name.
_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_LONGEST_NAME = 63


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks: the files in /work/home will be theirs."""

    uid: int
    gid: int
    name: str

    @property
    def user(self) -> str:
        """Return the run user as the engine takes it."""
        return f"{self.uid}:{self.gid}"


@dataclass(frozen=True, kw_only=True)
class RunImage:
    """The image that was asked for."""

    reference: str
    id: str
    labels: Mapping[str, str]
    architecture: str = ""  # "": unknown

    @property
    def accelerator(self) -> str:
        """Return what it computes on."""
        return self.labels.get("io.envkit.accelerator", "cpu")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What was asked for; None: decide."""

    name: str | None = None
    home: str | None = None
    cache: str | None = None
    port: int | None = None
    own_door_port: int | None = None
    shm_mib: int | None = None
    cpus: float | None = None
    memory_mib: int | None = None
    mounts: tuple[FolderMount, ...] | None = None
    device: DeviceWish | None = None
    ulimits: tuple[Ulimit, ...] | None = None
    exposure: Exposure | None = None
    secrets: tuple[SecretPlan, ...] | None = None
    idle_stop_s: float | None = None  # 0: never
    own_cache: bool | None = None
    share: bool | None = None  # cards that others use too


@dataclass(frozen=True, kw_only=True)
class RunHost:
    """What the host says: facts, as values."""

    memory_mib: int
    home: str
    cache: str
    free_ports: tuple[int, ...]
    cpus: int = 0  # 0: unknown
    architecture: str = ""
    emulates: bool = False  # it runs the image though that is for other machines
    raises_limits: bool = True  # its engine may lift a process's limits
    seen: Seen = field(default_factory=Seen)
    names: tuple[str, ...] = ()  # its names and addresses; asked only for a door beyond loopback
    home_filesystem: str = ""  # of the home's folder, when it is one that databases do not bear


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
    device: Wiring = field(default_factory=lambda: Wiring(accelerator="cpu"))
    mounts: tuple[FolderMount, ...] = ()
    cpus: float | None = None
    memory_mib: int | None = None
    ulimits: tuple[Ulimit, ...] = limits.TRAINING
    groups: tuple[str, ...] = ("0",)  # the image's files are group 0's, so that any uid can run it
    env: Mapping[str, str] = field(default_factory=dict)
    exposure: Exposure | None = None
    public_name: str = LOOPBACK  # what a browser is sent to
    secrets: tuple[SecretPlan, ...] = ()
    stop_grace_s: float = STOP_GRACE_S
    idle_stop_s: float | None = None  # None: it never stops by itself
    own_cache: bool = False  # the cache's folder goes with the environment
    home_filesystem: str = ""  # when databases and runtime files must lie on the local disk
    python: str = ""  # the user's, in the image
    warnings: tuple[str, ...] = ()
    share: bool = False  # its cards are not its alone

    @property
    def restart(self) -> Literal["unless-stopped", "on-failure"]:
        """Return when the engine starts it again by itself.

        `unless-stopped` would bring back at once what stopped itself: an idle environment ends with 0, which
        `on-failure` leaves alone (tried on 20.10).
        """
        return "unless-stopped" if self.idle_stop_s is None else "on-failure"


def plan_run(image: RunImage, options: RunOptions, host: RunHost, caller: Caller) -> RunPlan:
    """Decide everything about an environment; UsageError or PlanError when it cannot be."""
    expect = _expect(image)
    foreign = emulated(image, host)
    name = environment_name(image, options)
    home, cache = options.home or host.home, _cache(name, options, host)
    _refuse_nested(home, cache)
    memory = limits.memory_mib(options.memory_mib, host.memory_mib)
    device = decide(options.device or DeviceWish(), image.accelerator, host.seen, share=bool(options.share))
    ports = _ports(options, host, own_door=bool(expect.get("own_door")))
    secrets = together(of_image(expect), options.secrets or ())
    _refuse_older(image, asked=bool(secrets or options.exposure))
    return RunPlan(
        name=name,
        image=image.reference,
        image_id=image.id,
        caller=caller,
        home=home,
        cache=cache,
        port=ports[0],
        own_door_port=ports[1],
        shm_mib=limits.shm_mib(options.shm_mib, memory or host.memory_mib, limited=memory is not None),
        services=tuple(expect.get("services", ())),
        device=device,
        mounts=_mounts(options, cache),
        cpus=limits.cpus(options.cpus, host.cpus),
        memory_mib=memory,
        ulimits=_ulimits(options, host),
        groups=("0", *(group for group in device.groups if group != "0")),
        env={"ENVKIT_BASE_URL": base_url(name), "ENVKIT_NAME": name},
        exposure=options.exposure,
        public_name=public_name(options.exposure, host.names) if options.exposure else LOOPBACK,
        secrets=secrets,
        idle_stop_s=_idle_stop_s(image, options, able=bool(expect.get("idle_stop"))),
        own_cache=bool(options.own_cache),
        home_filesystem=host.home_filesystem,
        python=str(expect.get("python_path") or ""),
        warnings=(*foreign, *_warnings(image, options, device, host)),
        share=bool(options.share),
    )


def emulated(image: RunImage, host: RunHost) -> tuple[str, ...]:
    """Return the warning of an image that is for other machines; HostError when it would not run."""
    return emulation.warned(image.reference, image.architecture, host.architecture, can=host.emulates)


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


def origin(plan: RunPlan, port: int) -> str:
    """Return the beginning of the URLs at one of its ports."""
    return origin_of(plan.public_name, port, tls=plan.exposure is not None)


def container_name(name: str) -> str:
    """Return the container's name: also the lease on the environment's name, which the engine gives once."""
    return f"envkit-{name}"


def _expect(image: RunImage) -> dict[str, Any]:
    text = image.labels.get("io.envkit.expect")
    if text is None:
        raise PlanError(
            f"{image.reference} holds no IDE of ours (it has no label io.envkit.expect)",
            fix=f"`envkit verify {image.reference}` says what it lacks; a spec with it as `base:` makes one",
        )
    expect: dict[str, Any] = json.loads(text)
    return expect


def _refuse_older(image: RunImage, *, asked: bool) -> None:
    if asked and int(image.labels.get("io.envkit.contract", "1")) < _WAITING_CONTRACT:
        raise PlanError(
            f"{image.reference} was made by an older envkit: it can neither wait for secrets nor be exposed",
            fix="build it anew: `envkit build SPEC`",
        )


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


def _mounts(options: RunOptions, cache: str) -> tuple[FolderMount, ...]:
    refuse_clashes(options.mounts or (), cache)
    return options.mounts or ()


def _cache(name: str, options: RunOptions, host: RunHost) -> str:
    shared, own = options.cache or host.cache, f"-of/{name}"
    return f"{shared}{own}" if options.own_cache and not shared.endswith(own) else shared


def _warnings(image: RunImage, options: RunOptions, device: Wiring, host: RunHost) -> tuple[str, ...]:
    loose = refuse_unfit(image.labels, device, host.seen.cards)
    sharing = ACCELERATORS[device.accelerator].sharing if options.share else ""
    return (*loose, sharing) if sharing else loose


def _ulimits(options: RunOptions, host: RunHost) -> tuple[Ulimit, ...]:
    if options.ulimits is not None:
        return options.ulimits
    return limits.TRAINING if host.raises_limits else ()


def _idle_stop_s(image: RunImage, options: RunOptions, *, able: bool) -> float | None:
    if not options.idle_stop_s:
        return None
    if not able:
        raise PlanError(
            f"{image.reference} cannot stop by itself: an older envkit made it",
            fix="build it again with `envkit build`, or leave --idle-stop out",
        )
    return options.idle_stop_s
