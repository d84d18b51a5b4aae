"""Where a run goes: the environment that is named or holds the script, or a container of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from envkit.container.temporary import running
from envkit.engines.values import ContainerFacts, ImageFacts, RunRequest
from envkit.environment import lookup, machine
from envkit.environment.site import Site
from envkit.environment.target import DEFAULT_SPEC, find_image, is_spec
from envkit.errors import EngineError, EnvkitError, UsageError
from envkit.hosts.base import Host
from envkit.image.expectation import of_image
from envkit.image.inventory import find
from envkit.image.user_python import python_of
from envkit.plan.devices import AUTO, DeviceWish, parse_device
from envkit.plan.run_plan import RunImage
from envkit.plan.secret_plan import of_labels
from envkit.run import scripts
from envkit.run.plan import InEnvironment, Runnable

_ACCELERATOR = "io.envkit.accelerator"
_LOOK_S = "60"  # for a foreign image's Python to be found

Build = Callable[[str], RunImage]


@dataclass(frozen=True, kw_only=True)
class Where:
    """What was said of the place, and what it must show."""

    image: str | None = None
    environment: str | None = None
    device: DeviceWish | None = None
    asked: str  # the script, or the folder where it was asked for: a whole path
    is_own: bool = False  # something was asked of the container that an environment cannot be given
    is_copied: bool = False  # the script goes along: which environment sees it says nothing


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where it goes, and why."""

    environment: ContainerFacts | None = None
    image: RunImage | None = None
    spec: str = ""  # whose image it is, where that is yet to be built or compared
    why: str = ""


def choose(site: Site, where: Where) -> Place:
    """Choose the place; nothing is built."""
    if where.environment is not None and where.image is not None:
        raise UsageError("--image and --env: one run has one place", fix="leave one of them out")
    if where.environment is not None:
        _refuse_own(where)
        return Place(environment=lookup.running(site.engine, where.environment))
    if where.image is not None:
        if is_spec(where.image):
            return Place(spec=where.image)
        return Place(image=find_image(site.engine, where.image))
    near = None if where.is_own or where.is_copied else _near(site, where.asked)
    if near is not None:
        return Place(environment=near, why=f"in environment {lookup.name_of(near)}, which sees the script")
    if Path(DEFAULT_SPEC).is_file():
        return Place(spec=DEFAULT_SPEC, why=f"in an image of ./{DEFAULT_SPEC}")
    return _preset(site, where.device)


def in_environment(site: Site, facts: ContainerFacts, python: str | None) -> InEnvironment:
    """Return the environment as a plan needs to know it."""
    told = json.loads(facts.labels.get("io.envkit.run", "{}"))
    device = parse_device(str(told.get("device", "cpu")))
    image = site.engine.images.inspect(facts.image)
    return InEnvironment(
        name=lookup.name_of(facts),
        container=facts.id,
        image=str(told.get("image", facts.image)),
        image_id=facts.image,
        python=python_of(site.engine, facts.id, image, python),
        user=facts.user,
        mounts=facts.mounts,
        device=str(told.get("device", "cpu")),
        cards=len(device.ids or ()) + len(device.uuids),
        has_secrets=bool(of_labels(facts.labels)),
    )


def runnable(site: Site, image: RunImage, device: DeviceWish | None, python: str | None) -> Runnable:
    """Return an image with the words that run its Python; a foreign one is asked in a container."""
    facts = find(site.engine, image.id)
    digest = next(iter(facts.digests), "")
    if image.labels.get(_ACCELERATOR):
        with_kind = image
    else:
        kind = _kind(site.host, device or DeviceWish())
        with_kind = replace(image, labels={**image.labels, _ACCELERATOR: kind})
    return Runnable(image=with_kind, python=_python(site, facts, python), digest=digest, env=facts.env)


def _python(site: Site, facts: ImageFacts, asked: str | None) -> tuple[str, ...]:
    if asked:
        return (asked,)
    expect = of_image(facts)
    if expect and expect.python_path:
        return (expect.python_path,)
    asleep = RunRequest(image=facts.id, entrypoint=("sleep",), command=(_LOOK_S,), init=True)
    with running(site.engine, asleep) as container:
        return python_of(site.engine, container, facts, None)


def _kind(host: Host, wish: DeviceWish) -> str:
    """Return what a foreign image is to compute on: what was asked for, else what the machine has."""
    if wish.accelerator != AUTO:
        return wish.accelerator
    return machine.present(host)


def _near(site: Site, asked: str) -> ContainerFacts | None:
    """Return the running environment that sees a path the deepest; UsageError when two see it alike."""
    seeing: list[tuple[int, ContainerFacts]] = []
    for facts in lookup.everything(site.engine):
        if facts.state == "running":
            depth = _depth(site.host, asked, facts)
            seeing += [(depth, facts)] if depth else []
    if not seeing:
        return None
    deepest = max(depth for depth, _ in seeing)
    nearest = [facts for depth, facts in seeing if depth == deepest]
    if len(nearest) > 1:
        names = [lookup.name_of(facts) for facts in nearest]
        raise UsageError(
            f"environments {' and '.join(names)} see {asked}: which is meant?",
            fix=f"--env {names[0]}, or --image for a container of its own",
        )
    return nearest[0]


def _depth(host: Host, asked: str, facts: ContainerFacts) -> int:
    """Return how deep the mount lies that shows a path; 0: none does."""
    try:
        found = scripts.find(host, asked, facts.mounts)
        scripts.translate(found, facts.mounts)
    except UsageError:
        return 0
    return max(
        len(Path(one.source).parts) for one in facts.mounts if Path(found.real).is_relative_to(one.source)
    )


def _preset(site: Site, device: DeviceWish | None) -> Place:
    kind = _kind(site.host, device or DeviceWish())
    name = f"preset:{kind}"
    why = f"in an image of {name}: no environment sees the script, and there is no ./{DEFAULT_SPEC}"
    try:
        return Place(image=find_image(site.engine, name), why=why)
    except (UsageError, EngineError):
        raise
    except EnvkitError:  # it is not built yet
        return Place(spec=name, why=why)


def _refuse_own(where: Where) -> None:
    if where.is_own:
        raise UsageError(
            f"environment {where.environment} has its cards, folders, limits and secrets already",
            fix="--image takes a container for all of these; or leave them out",
        )
