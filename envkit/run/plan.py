"""The job plan: what a training run will be, decided before any of it is made. One node plan per machine."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.base import Shape, Wiring
from envkit.engines.values import Mount
from envkit.errors import UsageError
from envkit.plan import limits
from envkit.plan.devices import DeviceWish, decide
from envkit.plan.fitness import refuse_unfit
from envkit.plan.limits import Ulimit
from envkit.plan.mounts import refuse_clashes
from envkit.plan.run_plan import CACHE, HOME, Caller, RunHost, RunImage, RunOptions, emulated
from envkit.plan.secret_plan import SecretPlan, of_image, together
from envkit.run.folder import Node, Request, RunFolder
from envkit.run.scripts import Script
from envkit.run.sync import Project

GRACE_S = 120.0  # the issue: what a script has to save; a checkpoint of some GB on a slow disk takes 25 s
# Part of a container's name and of a path; one letter case keeps two apart on every disk.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST_NAME = 63
RETRY_ON = ("oom", "host-lost", "error", "killed")
_MOST_PROCESSES = 1024  # on one machine; more is a slip of the finger
_LEAST_MEMORY_MIB = 64  # Python itself starts with less; torch says by itself what it lacks


@dataclass(frozen=True, kw_only=True)
class JobWish:
    """What was asked for, beside the container."""

    words: tuple[str, ...]  # as typed
    name: str
    attempt: int = 1
    nproc: int | None = 1  # None: one per card
    redirect: bool = True
    grace_s: float = GRACE_S
    log_limit: int | None = None
    timeout_s: float | None = None
    retries: int = 0
    retry_on: tuple[str, ...] = ()
    version: str = ""  # envkit's own
    host: str = ""  # the machine's name, for the record
    node: Node | None = None  # which of several machines
    link: str = ""  # the network's interface between them
    whole: str = ""  # the name of the run that this is one node's part of


@dataclass(frozen=True, kw_only=True)
class OwnContainer:
    """The container that a run has for itself."""

    name: str
    image: str
    image_id: str
    digest: str
    python: tuple[str, ...]  # the words that run it, as process 1
    caller: Caller
    mounts: tuple[Mount, ...]
    device: Wiring
    shm_mib: int
    cpus: float | None
    memory_mib: int | None
    ulimits: tuple[Ulimit, ...]
    groups: tuple[str, ...]
    restart: Literal["no", "on-failure"]
    share: bool
    secrets: tuple[SecretPlan, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InEnvironment:
    """The environment that a run is started in."""

    name: str
    container: str
    image: str
    image_id: str
    python: tuple[str, ...]
    user: str
    mounts: tuple[Mount, ...]
    device: str  # as --device takes it
    cards: int
    has_secrets: bool = False


@dataclass(frozen=True, kw_only=True)
class NodePlan:
    """A run's part on one machine."""

    place: OwnContainer | InEnvironment
    request: Request


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """A run, with every decision made."""

    name: str
    home: str  # the host's folder behind /work/home
    nodes: tuple[NodePlan, ...]
    notes: tuple[str, ...] = field(default=())
    project: Project | None = None  # what is copied first

    @property
    def folder(self) -> RunFolder:
        """Return the run's folder on the host."""
        return RunFolder.on_host(self.home, self.name)


def container_name(name: str) -> str:
    """Return the name of a run's container: also the lease on the run's name, which the engine gives once."""
    return f"envkit-run-{name}"


def checked_name(name: str) -> str:
    """Return the name; UsageError when it can be none."""
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise UsageError(
            f"--name {name!r} cannot be a run's name",
            fix="letters and digits, with `.`, `_` or `-` between them, at most 63",
        )
    return name


def default_name(script: str, moment: str, key: str) -> str:
    """Return a run's name: the script's or module's, the time, and a key, so that two never share one."""
    file = script.rpartition("/")[2]
    stem = re.sub(r"\.(py|sh|bash)$", "", file)
    plain = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-") or "run"
    return f"{plain[:30]}-{moment}-{key}"


@dataclass(frozen=True, kw_only=True)
class Runnable:
    """An image, and how its user's Python is run."""

    image: RunImage
    python: tuple[str, ...]
    digest: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


def processes(text: str) -> int | None:
    """Read `--nproc`: a number, or None for `auto`."""
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_PROCESSES:
        raise UsageError(
            f"--nproc {text!r} is no number of processes", fix="as in --nproc 4, or --nproc auto"
        )
    return int(text)


def checked_reasons(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Return what to begin again after; UsageError for what cannot be."""
    for reason in reasons:
        if reason not in RETRY_ON:
            raise UsageError(
                f"--on {reason!r} is no reason to begin again", fix=f"some of: {', '.join(RETRY_ON)}"
            )
    return reasons


def own_container(
    runnable: Runnable, options: RunOptions, host: RunHost, caller: Caller, wish: JobWish
) -> OwnContainer:
    """Decide the container of a run; UsageError or AcceleratorError when it cannot be."""
    image, share = runnable.image, bool(options.share)
    foreign = emulated(image, host)
    home, cache = options.home or host.home, options.cache or host.cache
    refuse_clashes(options.mounts or (), cache)
    memory = limits.memory_mib(options.memory_mib, host.memory_mib, least_mib=_LEAST_MEMORY_MIB)
    device = decide(options.device or DeviceWish(), image.accelerator, host.seen, share=share)
    return OwnContainer(
        name=container_name(wish.name),
        image=image.reference,
        image_id=image.id,
        digest=runnable.digest,
        python=runnable.python,
        caller=caller,
        mounts=_mounts(options, home, cache),
        device=device,
        shm_mib=limits.shm_mib(options.shm_mib, memory or host.memory_mib, limited=memory is not None),
        cpus=limits.cpus(options.cpus, host.cpus),
        memory_mib=memory,
        ulimits=limits.TRAINING if host.raises_limits else (),
        groups=("0", *(group for group in device.groups if group != "0")),
        # A run that ends well or badly ends its container with 0: only what was cut off is started again.
        restart="on-failure" if "host-lost" in wish.retry_on else "no",
        share=share,
        secrets=_secrets(image, options, wish),
        warnings=(*foreign, *_warnings(image, device, host, share=share)),
    )


def request(
    place: OwnContainer | InEnvironment, script: Script, wish: JobWish, env: Mapping[str, str]
) -> Request:
    """Return what the supervisor is asked; `env` is the image's own, which wins over what a card needs."""
    kind, cards = _device(place)
    nproc = wish.nproc or max(1, cards)
    needs = ACCELERATORS[kind].run_environment(
        Shape(processes=nproc * (wish.node.count if wish.node else 1), link=wish.link)
    )
    own = {"MODEL_PATH": wish.whole or wish.name, **_of_script(script)}
    inside = RunFolder.inside(wish.name)
    return Request(
        name=wish.name,
        folder=str(inside.path),
        attempt=wish.attempt,
        kind=script.kind,
        target=script.target,
        args=script.args,
        python=place.python,
        directory=script.directory,
        env={**{key: value for key, value in needs.items() if key not in env}, **own},
        nproc=nproc,
        node=wish.node,
        accelerator=kind,
        redirect=wish.redirect,
        grace_s=wish.grace_s,
        log_limit=wish.log_limit,
        timeout_s=wish.timeout_s,
        retries=wish.retries,
        retry_on=wish.retry_on,
        detach=isinstance(place, InEnvironment),
        echo=isinstance(place, OwnContainer),
        record=_record(place, script, wish),
    )


def _of_script(script: Script) -> dict[str, str]:
    if not script.on_host:
        return {}
    return {"SCRIPT": script.target, "SCRIPTPATH": posixpath.dirname(script.target)}


def _device(place: OwnContainer | InEnvironment) -> tuple[str, int]:
    if isinstance(place, OwnContainer):
        return place.device.accelerator, len(place.device.keys)
    return place.device.partition(":")[0], place.cards


def _record(place: OwnContainer | InEnvironment, script: Script, wish: JobWish) -> dict[str, Any]:
    """Return what only the client knows of a run, for its summary."""
    own = isinstance(place, OwnContainer)
    return {
        "argv": list(wish.words),
        "envkit": wish.version,
        "host": wish.host,
        "place": "container" if own else "environment",
        "container": place.name if own else f"envkit-{place.name}",
        "environment": "" if own else place.name,
        "image": place.image,
        "image_id": place.image_id,
        "digest": place.digest if isinstance(place, OwnContainer) else "",
        "devices": str(place.device),
        "mounts": [f"{one.target}={one.source}{':ro' if one.read_only else ''}" for one in place.mounts],
        "script": script.on_host or script.target,
        **({"nodes": list(wish.node.names), "node": wish.node.rank} if wish.node else {}),
    }


def _mounts(options: RunOptions, home: str, cache: str) -> tuple[Mount, ...]:
    return (
        Mount(source=home, target=HOME),
        Mount(source=cache, target=CACHE),
        *(
            Mount(source=one.source, target=one.target, read_only=one.read_only)
            for one in options.mounts or ()
        ),
    )


def _secrets(image: RunImage, options: RunOptions, wish: JobWish) -> tuple[SecretPlan, ...]:
    expect = json.loads(image.labels.get("io.envkit.expect") or "{}")
    found = together(of_image(expect), options.secrets or ())
    if found and "host-lost" in wish.retry_on:
        raise UsageError(
            "a run with secrets cannot go on after its machine was lost: nobody would bring them again",
            fix=f"--on {','.join(one for one in wish.retry_on if one != 'host-lost') or 'oom'}",
        )
    return found


def _warnings(image: RunImage, device: Wiring, host: RunHost, *, share: bool) -> tuple[str, ...]:
    loose = refuse_unfit(image.labels, device, host.seen.cards)
    sharing = ACCELERATORS[device.accelerator].sharing if share else ""
    return (*loose, sharing) if sharing else loose
